//! `diario history`: the messages of a conversation, as they are stored here.

use diario_engine::EngineError;
use diario_protocol::Seq;

use crate::args::History;
use crate::context::Context;
use crate::error::CliError;
use crate::resolve::{self, Begin};
use crate::view::{Message, print_history, title_of};

pub(crate) async fn run(context: &mut Context, args: History) -> Result<(), CliError> {
    let History { conversation, limit, before } = args;
    let id = resolve::conversation(context, &conversation, Begin::No).await?;
    let messages = context
        .engine(move |engine, _| {
            let title = title_of(engine, id)?;
            let views = engine.log(id, limit, before.map(Seq))?;
            let with_title = |view| Message { view, title: title.clone() };
            Ok::<_, EngineError>(views.into_iter().map(with_title).collect::<Vec<_>>())
        })
        .await?;
    if context.out.face.json {
        for message in &messages {
            context.out.show(&message.json(), |_| String::new()).await?;
        }
        return Ok(());
    }
    let text = print_history(&messages, &context.out.style);
    context.out.out(text).await
}
