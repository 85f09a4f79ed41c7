//! `diario send`: a message, kept before it is sent.

use diario_engine::{Draft, MessageState};
use diario_protocol::{ConversationId, EntryId};

use crate::args::Send;
use crate::context::Context;
use crate::error::CliError;
use crate::resolve::{self, Begin};
use crate::style::one_line;
use crate::view::Message;

pub(crate) async fn run(context: &mut Context, args: Send) -> Result<(), CliError> {
    let Send { to, text, queue } = args;
    let conversation = resolve::conversation(context, &to, Begin::Yes).await?;
    let draft = Draft::Text(text.join(" "));
    let id = context.engine(move |engine, now| engine.send(conversation, &draft, now)).await?;
    if queue {
        return print(context, conversation, id).await;
    }
    context.concern = Some((conversation, Some(id)));
    let sent = context
        .until(move |engine, _| {
            let message = engine.message(conversation, id)?;
            Ok(message.filter(|m| m.state != MessageState::Pending).map(|_| ()))
        })
        .await?;
    print(context, conversation, id).await?;
    match sent {
        Some(()) => Ok(()),
        None => Err(context
            .offline("the message waits in the outbox and goes out at the next connection")
            .await
            .hint("`diario sync` sends it as soon as the server answers")),
    }
}

async fn print(context: &mut Context, conversation: ConversationId, id: EntryId) -> Result<(), CliError> {
    let message = context
        .engine(move |engine, _| {
            let view = engine.message(conversation, id)?;
            view.map(|view| Message::of(engine, view)).transpose()
        })
        .await?;
    let Some(message) = message else {
        return Err(CliError::stopped());
    };
    context
        .out
        .show(&message.json(), |_| {
            let title = one_line(&message.title);
            match message.view.seq {
                Some(_) => format!("Sent to {title}.\n"),
                None => format!("Queued for {title}.\n"),
            }
        })
        .await
}
