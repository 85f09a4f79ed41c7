//! Messages and conversations, as JSON and for people. docs/cli.md describes the JSON.

use std::borrow::Cow;

use diario_engine::{ConversationRow, Engine, EngineError, MessageState, MessageView, Trust};
use diario_protocol::{ConversationId, ConversationKind, Timestamp};
use serde::Serialize;

use crate::style::{Ink, Style, cut, lines, one_line, pad, rfc3339, width, wrap};

/// A message and the title of its conversation.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub(crate) view: MessageView,
    pub(crate) title: String,
}

#[derive(Debug, Serialize)]
pub(crate) struct MessageJson<'a> {
    conversation: String,
    title: &'a str,
    seq: Option<u64>,
    id: String,
    sender: &'a str,
    device: String,
    sent_at: String,
    text: Cow<'a, str>,
    state: &'static str,
    mine: bool,
    kind: &'static str,
}

impl Message {
    /// With the title looked up.
    pub(crate) fn of(engine: &Engine, view: MessageView) -> Result<Self, EngineError> {
        let title = title_of(engine, view.conversation)?;
        Ok(Self { view, title })
    }

    pub(crate) fn json(&self) -> MessageJson<'_> {
        let m = &self.view;
        MessageJson {
            conversation: m.conversation.to_string(),
            title: &self.title,
            seq: m.seq.map(|seq| seq.0),
            id: m.id.to_string(),
            sender: &m.sender,
            device: m.device.to_string(),
            sent_at: rfc3339(m.sent_at),
            text: self.text(),
            state: m.state.name(),
            mine: m.mine,
            kind: if self.is_notice() { "notice" } else { "message" },
        }
    }

    /// Imported system lines have nobody who said them.
    pub(crate) fn is_notice(&self) -> bool {
        self.view.is_notice() || self.view.sender.is_empty()
    }

    /// Its words; of a change of the members, what changed; of a refused one, why.
    pub(crate) fn text(&self) -> Cow<'_, str> {
        text_of(&self.view)
    }

    /// The columns before the text are `sender` wide at the name; `where_to` says whether the title is shown.
    pub(crate) fn print(&self, style: &Style, sender: usize, titled: bool) -> String {
        let m = &self.view;
        let time = style.clock(m.sent_at);
        let name = self.who(titled);
        let name = cut(&name, sender);
        let (tick, ink) = self.tick();
        let text_ink = match m.state {
            MessageState::Refused | MessageState::Failed => Ink::Warn,
            MessageState::Waiting | MessageState::Erased => Ink::Dim,
            _ if self.is_notice() => Ink::Dim,
            _ => Ink::Plain,
        };
        let name_ink = if self.is_notice() {
            Ink::Dim
        } else if m.mine {
            Ink::Mine
        } else {
            Ink::Bold
        };
        let before = 2 + 5 + 2 + sender + 2 + 2 + 2;
        let room = style.width.map(|all| all.saturating_sub(before).max(20));
        let mut out = String::new();
        let said = self.said();
        let rows = lines(&said).flat_map(|line| match room {
            Some(room) => wrap(&line, room),
            None => vec![line.into_owned()],
        });
        for (i, row) in rows.enumerate() {
            let head = if i == 0 {
                format!(
                    "  {}  {}  {}  ",
                    style.paint(Ink::Dim, &time),
                    style.paint(name_ink, &pad(&name, sender)),
                    style.paint(ink, &pad(tick, 2)),
                )
            } else {
                " ".repeat(before)
            };
            out.push_str(format!("{head}{}", style.paint(text_ink, &row)).trim_end());
            out.push('\n');
        }
        out
    }

    /// Who said it, and where if that is not clear from who.
    pub(crate) fn who(&self, titled: bool) -> String {
        let (sender, title) = (one_line(&self.view.sender), one_line(&self.title));
        match (titled, self.view.mine) {
            (false, _) => sender.into_owned(),
            (true, _) if sender == title => sender.into_owned(),
            (true, true) => format!("{sender} → {title}"),
            (true, false) => format!("{title} · {sender}"),
        }
    }

    fn said(&self) -> Cow<'_, str> {
        let text = self.text();
        match self.view.state {
            MessageState::Waiting => "(cannot be read yet: its key is on the way)".into(),
            MessageState::Erased => {
                self.view.reason.as_ref().map_or("(deleted)".into(), |why| format!("({why})").into())
            }
            MessageState::Refused => format!("(not accepted: {text})").into(),
            MessageState::Failed => format!("{text} (not sent: the server refused it)").into(),
            _ => text,
        }
    }

    fn tick(&self) -> (&'static str, Ink) {
        match self.view.state {
            MessageState::Failed | MessageState::Refused => ("✗", Ink::Error),
            MessageState::Pending => ("·", Ink::Dim),
            _ if self.is_notice() || !self.view.mine => ("", Ink::Plain),
            MessageState::Sent => ("✓", Ink::Dim),
            MessageState::Delivered => ("✓✓", Ink::Dim),
            MessageState::Read => ("✓✓", Ink::Read),
            MessageState::Waiting | MessageState::Erased => ("", Ink::Plain),
        }
    }
}

/// The widest that names may be before the text.
pub(crate) const WIDEST_NAME: usize = 24;

/// Messages of one conversation, with a line for each day.
pub(crate) fn print_history(messages: &[Message], style: &Style) -> String {
    let sender = messages.iter().map(|m| width(&m.who(false))).max().unwrap_or(0).min(WIDEST_NAME);
    let mut out = String::new();
    let mut day = None;
    // Changes of keys and devices are notices without words: nothing for people.
    for message in messages.iter().filter(|m| !m.is_notice() || !m.text().is_empty()) {
        let this = style.local(message.view.sent_at).date();
        if day != Some(this) {
            if day.is_some() {
                out.push('\n');
            }
            out.push_str(&style.day_line(message.view.sent_at));
            out.push('\n');
            day = Some(this);
        }
        out.push_str(&message.print(style, sender, false));
    }
    out
}

/// The words of a message; of a change of the members, what changed; of a refused one, why.
pub(crate) fn text_of(m: &MessageView) -> Cow<'_, str> {
    match &m.membership {
        Some(change) => {
            let part = |sign: &str, names: &[String]| format!("{sign} {}", names.join(", "));
            let joined = (!change.joined.is_empty()).then(|| part("+", &change.joined));
            let left = (!change.left.is_empty()).then(|| part("-", &change.left));
            joined.into_iter().chain(left).collect::<Vec<_>>().join(" ").into()
        }
        None if m.state == MessageState::Refused => m.reason.as_deref().unwrap_or_default().into(),
        None => m.text.as_str().into(),
    }
}

/// A conversation as it is listed, with what people call it and everybody's name.
#[derive(Debug)]
pub(crate) struct Listed {
    pub(crate) row: ConversationRow,
    pub(crate) title: String,
    pub(crate) members: Vec<String>,
}

impl Listed {
    /// With the names looked up.
    pub(crate) fn of(engine: &Engine, row: ConversationRow) -> Result<Self, EngineError> {
        let members = engine.members(row.id)?;
        let title = match row.kind {
            ConversationKind::SelfConversation => "Notes to self".to_owned(),
            _ if !row.title.is_empty() => row.title.clone(),
            _ => {
                let others: Vec<_> = members.iter().filter(|m| !m.me).map(|m| m.username.as_str()).collect();
                others.join(", ")
            }
        };
        Ok(Self { row, title, members: members.into_iter().map(|m| m.username).collect() })
    }

    /// All conversations, newest first.
    pub(crate) fn all(engine: &Engine) -> Result<Vec<Self>, EngineError> {
        engine.conversation_rows()?.into_iter().map(|row| Self::of(engine, row)).collect()
    }

    /// One conversation.
    pub(crate) fn one(engine: &Engine, id: ConversationId) -> Result<Option<Self>, EngineError> {
        engine.conversation_row(id)?.map(|row| Self::of(engine, row)).transpose()
    }
}

/// The title of a conversation.
pub(crate) fn title_of(engine: &Engine, id: ConversationId) -> Result<String, EngineError> {
    Ok(Listed::one(engine, id)?.map(|c| c.title).unwrap_or_default())
}

#[derive(Debug, Serialize)]
pub(crate) struct ConversationJson<'a> {
    conversation: String,
    kind: &'static str,
    title: &'a str,
    members: &'a [String],
    unread: u64,
    gap: Option<(u64, u64)>,
    open: bool,
    verified: bool,
    key_changed: bool,
    last: Option<MessageJson<'a>>,
}

/// Calls `body` with the conversation's JSON, whose last message is borrowed.
pub(crate) fn conversation_json<'a>(listed: &'a Listed, last: Option<&'a Message>) -> ConversationJson<'a> {
    let Listed { row: c, title, members } = listed;
    ConversationJson {
        conversation: c.id.to_string(),
        kind: match c.kind {
            ConversationKind::SelfConversation => "self",
            ConversationKind::Direct => "direct",
            ConversationKind::Group => "group",
        },
        title,
        members,
        unread: c.unread,
        gap: c.gap.map(|(first, last)| (first.0, last.0)),
        open: c.open,
        verified: c.trust == Trust::Verified,
        key_changed: matches!(c.trust, Trust::Changed { .. }),
        last: last.map(Message::json),
    }
}

/// The time by this machine's clock.
pub(crate) fn now() -> Timestamp {
    let ms = jiff::Timestamp::now().as_millisecond();
    Timestamp(u64::try_from(ms).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use diario_protocol::{AccountId, DeviceId, EntryId, Seq};
    use jiff::tz::TimeZone;

    use super::*;

    fn message(text: &str, mine: bool, state: MessageState, sent_at: u64) -> Message {
        let view = MessageView {
            conversation: ConversationId::new([1; 16]),
            seq: Some(Seq(1)),
            id: EntryId::new([2; 16]),
            sender: if mine { "giulia" } else { "bo" }.to_owned(),
            account: AccountId::new([3; 16]),
            device: DeviceId::new([4; 16]),
            sent_at: Timestamp(sent_at),
            text: text.to_owned(),
            state,
            mine,
            reason: None,
            membership: None,
        };
        Message { view, title: "Trip".into() }
    }

    #[test]
    fn history_has_days_ticks_and_columns() {
        let style = Style { color: false, width: None, zone: TimeZone::UTC };
        let at = 1_795_424_096_007;
        let messages = [
            message("hello\x1b[2J\nthere", false, MessageState::Delivered, at),
            message("hi", true, MessageState::Read, at),
            message("later", true, MessageState::Pending, at + 86_400_000),
        ];
        let expected = "\
— Mon 23 Nov 2026 —
  08:54  bo          hello\u{fffd}[2J
                     there
  08:54  giulia  ✓✓  hi

— Tue 24 Nov 2026 —
  08:54  giulia  ·   later
";
        assert_eq!(print_history(&messages, &style), expected);
    }

    #[test]
    fn where_a_message_belongs_is_said_once() {
        assert_eq!(message("", false, MessageState::Read, 0).who(true), "Trip · bo");
        assert_eq!(message("", true, MessageState::Read, 0).who(true), "giulia → Trip");
        let direct = Message { title: "bo".into(), ..message("", false, MessageState::Read, 0) };
        assert_eq!(direct.who(true), "bo");
    }
}
