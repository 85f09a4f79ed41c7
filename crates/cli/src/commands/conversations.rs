//! `diario conversations`: all of them, the newest first.

use diario_engine::CommandError;

use crate::context::Context;
use crate::error::CliError;
use crate::style::{Ink, Style, Table, cut, one_line};
use crate::view::{Listed, Message, conversation_json, now, text_of};

pub(crate) async fn run(context: &mut Context) -> Result<(), CliError> {
    let all = context
        .engine(|engine, _| match engine.whoami() {
            None => Err(CliError::from(CommandError::NoAccount)),
            Some(_) => Ok(Listed::all(engine)?),
        })
        .await?;
    if context.out.face.json {
        for conversation in &all {
            let last = last_of(conversation);
            context.out.show(&conversation_json(conversation, last.as_ref()), |_| String::new()).await?;
        }
        return Ok(());
    }
    let text = table(&all, &context.out.style);
    context.out.out(text).await
}

fn last_of(conversation: &Listed) -> Option<Message> {
    conversation.row.last.clone().map(|view| Message { view, title: conversation.title.clone() })
}

fn table(all: &[Listed], style: &Style) -> String {
    const TITLE: usize = 28;
    // Id, time, counter, title and the gaps between them.
    let room = style.width.map_or(60, |width| width.saturating_sub(8 + 8 + 4 + TITLE + 8).max(16));
    let mut table = Table::default();
    for conversation in all {
        let row = &conversation.row;
        let unread = row.unread > 0;
        let title = one_line(&conversation.title);
        let (when, preview) = match &row.last {
            None => (String::new(), String::new()),
            Some(last) => {
                let text = text_of(last);
                let text = one_line(&text);
                let said = if last.mine { format!("me: {text}") } else { text.into_owned() };
                (style.brief(last.sent_at, now()), cut(&said, room).into_owned())
            }
        };
        let mut title = cut(&title, TITLE).into_owned();
        if !row.open {
            title.push_str(" (left)");
        }
        table.row(vec![
            (Ink::Dim, row.id.to_string()[..8].to_owned()),
            (Ink::Dim, when),
            (if unread { Ink::Bold } else { Ink::Plain }, title),
            (Ink::Read, if unread { row.unread.to_string() } else { String::new() }),
            (Ink::Dim, preview),
        ]);
    }
    table.print(style)
}
