//! `diario retention`: for how long the server keeps a conversation.

use diario_protocol::{ConversationId, Retention};
use serde::Serialize;

use crate::args;
use crate::context::Context;
use crate::error::CliError;
use crate::resolve::{self, Begin};
use crate::style::one_line;
use crate::view::title_of;

#[derive(Serialize)]
struct Shown {
    retention: Rule,
}

#[derive(Serialize)]
struct Rule {
    conversation: String,
    title: String,
    agreed: String,
    effective: String,
}

pub(crate) async fn run(context: &mut Context, args: args::Retention) -> Result<(), CliError> {
    let id = resolve::conversation(context, &args.conversation, Begin::No).await?;
    if let Some(wanted) = args.keep {
        set(context, id, wanted).await?;
    }
    let (title, (agreed, effective)) = context
        .engine(move |engine, _| Ok::<_, CliError>((title_of(engine, id)?, engine.retention(id)?)))
        .await?;
    let (rule, title) = (in_words(effective), one_line(&title).into_owned());
    let shown = Shown {
        retention: Rule {
            conversation: id.to_string(),
            title: title.clone(),
            agreed: agreed.to_string(),
            effective: effective.to_string(),
        },
    };
    context.out.show(&shown, |_| format!("The server keeps what is said in {title} {rule}.\n")).await
}

async fn set(context: &mut Context, id: ConversationId, wanted: Retention) -> Result<(), CliError> {
    context.live().await?;
    context.concern = Some((id, None));
    context.engine(move |engine, now| engine.set_retention(id, wanted, now)).await?;
    let done = context.until(move |engine, _| Ok((engine.retention(id)?.0 == wanted).then_some(()))).await?;
    match done {
        Some(()) => Ok(()),
        None => Err(context.offline("nothing was changed").await),
    }
}

fn in_words(retention: Retention) -> String {
    match (retention.days, retention.delivered) {
        (None, false) => "for ever".to_owned(),
        (None, true) => "until every device has it".to_owned(),
        (Some(1), false) => "for a day".to_owned(),
        (Some(days), false) => format!("for {days} days"),
        (Some(days), true) => format!("until every device has it, but for {days} days at most"),
    }
}
