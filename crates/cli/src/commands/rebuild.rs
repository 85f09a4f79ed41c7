//! `diario rebuild`: drops what is only a copy of the server's logs, and fetches it anew.

use diario_engine::{EngineError, Event};
use serde::Serialize;

use crate::context::{Context, Wake};
use crate::error::CliError;

#[derive(Serialize)]
struct Rebuilt {
    rebuilt: bool,
    messages: u64,
}

pub(crate) async fn run(context: &mut Context) -> Result<(), CliError> {
    // Nothing is dropped that could not be fetched.
    context.live().await.map_err(|e| e.hint("nothing was dropped: what is here can be read as before"))?;
    let before = context
        .engine(|engine, now| {
            let before = messages(engine)?;
            engine.rebuild(now)?;
            Ok::<_, CliError>(before)
        })
        .await?;
    let mut fetched = 0;
    let mut deadline = context.deadline();
    loop {
        // The connection is made anew: until then there is no rest.
        if *context.rest.borrow_and_update()
            && context.engine(|e, _| Ok::<_, EngineError>(e.at_rest())).await?
        {
            break;
        }
        match context.next(Some(deadline)).await? {
            Wake::Event(Event::Message { .. } | Event::Sent { .. }) => {
                fetched += 1;
                deadline = context.deadline();
            }
            Wake::Event(Event::History { first, last, .. }) => {
                fetched += last.0 + 1 - first.0;
                deadline = context.deadline();
            }
            Wake::Event(Event::Conversation(_)) | Wake::Lagged => deadline = context.deadline(),
            Wake::Late => {
                return Err(context
                    .offline("not everything is fetched yet")
                    .await
                    .hint("`diario sync` goes on where it stopped; nothing is lost"));
            }
            Wake::Event(_) | Wake::Changed | Wake::Stop => {}
        }
        context.out.progress("fetching messages", fetched, before.max(fetched)).await?;
    }
    context.out.done().await?;
    let now = context.engine(|engine, _| messages(engine)).await?;
    let rebuilt = Rebuilt { rebuilt: true, messages: now };
    context.out.show(&rebuilt, |_| format!("{now} messages and changes are here anew.\n")).await
}

/// Entries of all logs that are here.
fn messages(engine: &diario_engine::Engine) -> Result<u64, EngineError> {
    let mut count = 0;
    for conversation in engine.conversation_rows()? {
        if let Some(log) = engine.log_state(conversation.id)? {
            count += log.next.0.saturating_sub(1);
        }
    }
    Ok(count)
}
