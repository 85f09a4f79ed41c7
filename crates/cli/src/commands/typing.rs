//! `diario typing`: shows the others that the user types, for a few seconds.

use diario_engine::Event;
use serde::Serialize;

use crate::args::Typing;
use crate::context::{Context, Wake};
use crate::error::CliError;
use crate::resolve::{self, Begin};

#[derive(Serialize)]
struct Typed {
    typing: String,
}

pub(crate) async fn run(context: &mut Context, args: Typing) -> Result<(), CliError> {
    let id = resolve::conversation(context, &args.conversation, Begin::No).await?;
    context.live().await?;
    // What has just come in may let this device speak there.
    context.settled().await?;
    // A signal is not answered: an answer to what is asked after it shows that it has left.
    context
        .engine(move |engine, now| {
            engine.typing(id, now)?;
            engine.ask_last_seen(now)
        })
        .await?;
    let deadline = context.deadline();
    loop {
        match context.next(Some(deadline)).await? {
            Wake::Event(Event::LastSeen(_)) => break,
            Wake::Late => return Err(context.offline("nobody was told").await),
            _ => {}
        }
    }
    context.out.show(&Typed { typing: id.to_string() }, |_| String::new()).await
}
