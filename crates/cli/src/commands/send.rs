//! `diario send`: a message, kept before it is sent.

use diario_engine::{Draft, MessageState, Trust};
use diario_protocol::{ConversationId, EntryId};

use crate::args::Send;
use crate::context::Context;
use crate::error::CliError;
use crate::resolve::{self, Begin};
use crate::style::one_line;
use crate::view::{Message, title_of};

pub(crate) async fn run(context: &mut Context, args: Send) -> Result<(), CliError> {
    let Send { to, text, queue, accept_new_key } = args;
    let conversation = resolve::conversation(context, &to, Begin::Yes).await?;
    check_key(context, conversation, accept_new_key).await?;
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

/// Nothing goes to somebody who has taken a known name over, unless the user knows it.
async fn check_key(context: &Context, conversation: ConversationId, accept: bool) -> Result<(), CliError> {
    let (row, title) = context
        .engine(move |engine, _| {
            Ok::<_, CliError>((engine.conversation_row(conversation)?, title_of(engine, conversation)?))
        })
        .await?;
    let Some((peer, Trust::Changed { verified_before })) = row.and_then(|row| Some((row.peer?, row.trust)))
    else {
        return Ok(());
    };
    if accept {
        return context.engine(move |engine, now| engine.acknowledge_key_change(peer, now)).await;
    }
    let name = one_line(&title);
    let verified = if verified_before { ", and the one before was verified" } else { "" };
    Err(CliError::failed(format!(
        "{name} is another account than before, with another key{verified}; nothing was sent"
    ))
    .hint(format!(
        "ask {name} by other means whether they began anew, and compare `diario safety-number {name}`"
    ))
    .hint("with --accept-new-key it is sent, and this is not asked again"))
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
