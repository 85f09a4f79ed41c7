//! `diario history`: the messages of a conversation, as they are stored here.

use diario_engine::{Anchor, EngineError, Event};
use diario_protocol::{ConversationId, Seq, Timestamp};

use crate::args::History;
use crate::context::{Context, Wake};
use crate::day::{self, Edge};
use crate::error::CliError;
use crate::resolve::{self, Begin};
use crate::view::{Message, print_history, title_of};

pub(crate) async fn run(context: &mut Context, args: History) -> Result<(), CliError> {
    let History { conversation, limit, before, at } = args;
    let id = resolve::conversation(context, &conversation, Begin::No).await?;
    let from = match &at {
        Some(day) => {
            Some(seek(context, id, day::read(day, &context.out.style.zone.clone(), Edge::First)?).await?)
        }
        None => None,
    };
    let (messages, missing) = context
        .engine(move |engine, _| {
            let title = title_of(engine, id)?;
            let views = match from {
                Some(seq) => engine.history(id, Anchor::After(Seq(seq.0.saturating_sub(1))), limit)?.messages,
                None => engine.log(id, limit, before.map(Seq))?,
            };
            let with_title = |view| Message { view, title: title.clone() };
            let missing = engine.conversation_row(id)?.map_or(0, |row| row.missing);
            Ok::<_, EngineError>((views.into_iter().map(with_title).collect::<Vec<_>>(), missing))
        })
        .await?;
    if missing > 0 {
        let note = format!(
            "{missing} messages and changes of this conversation are not here; `diario fetch` brings them"
        );
        context.out.warn(&note).await?;
    }
    if context.out.face.json {
        for message in &messages {
            context.out.show(&message.json(), |_| String::new()).await?;
        }
        return Ok(());
    }
    let text = print_history(&messages, &context.out.style);
    context.out.out(text).await
}

/// Where something was said at a time or after it; what is missing there is fetched first.
async fn seek(context: &mut Context, id: ConversationId, at: Timestamp) -> Result<Seq, CliError> {
    let missing =
        context.engine(move |engine, _| engine.conversation_row(id)).await?.map_or(0, |row| row.missing);
    if missing > 0 {
        context.live().await.map_err(|e| e.hint("not all of this conversation is here yet"))?;
    }
    context.engine(move |engine, now| engine.seek(id, at, now)).await?;
    let deadline = context.deadline();
    let mut found = None;
    loop {
        if let Some(seq) = found {
            let here = context
                .engine(move |engine, _| {
                    Ok::<_, EngineError>(engine.history(id, Anchor::Around(seq), 1)?.missing_after.is_none())
                })
                .await?;
            if here || missing == 0 {
                return Ok(seq);
            }
        }
        match context.next(Some(deadline)).await? {
            Wake::Event(Event::Sought { conversation, seq, .. }) if conversation == id => found = Some(seq),
            Wake::Event(Event::History { conversation, first, last })
                if conversation == id && found.is_some_and(|seq| first <= seq && seq <= last) =>
            {
                return Ok(found.unwrap_or(first));
            }
            Wake::Late => return Err(context.offline("the messages of that time are not here").await),
            _ => {}
        }
    }
}
