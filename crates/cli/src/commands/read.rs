//! `diario read`: moves the read marker.

use diario_protocol::Seq;
use serde::Serialize;

use crate::args::Read;
use crate::context::Context;
use crate::error::CliError;
use crate::resolve::{self, Begin};
use crate::style::one_line;
use crate::view::title_of;

#[derive(Serialize)]
struct Marked {
    read: Marker,
}

#[derive(Serialize)]
struct Marker {
    conversation: String,
    title: String,
    seq: u64,
    unread: u64,
}

pub(crate) async fn run(context: &mut Context, args: Read) -> Result<(), CliError> {
    let id = resolve::conversation(context, &args.conversation, Begin::No).await?;
    let up_to = args.seq.map_or(Seq(u64::MAX), Seq);
    let marker = context
        .engine(move |engine, now| {
            engine.mark_read(id, up_to, now)?;
            let newest = engine.log_state(id)?.map_or(0, |log| log.next.0.saturating_sub(1));
            let unread = engine.conversation_row(id)?.map_or(0, |c| c.unread);
            let title = title_of(engine, id)?;
            Ok::<_, CliError>(Marker {
                conversation: id.to_string(),
                title,
                seq: up_to.0.min(newest),
                unread,
            })
        })
        .await?;
    // It is marked here already; the others learn it from the server.
    let told = context.settled().await?;
    let done = Marked { read: marker };
    context
        .out
        .show(&done, |_| format!("{} is read up to #{}.\n", one_line(&done.read.title), done.read.seq))
        .await?;
    if told {
        Ok(())
    } else {
        Err(context.offline("it is marked here, and elsewhere at the next connection").await)
    }
}
