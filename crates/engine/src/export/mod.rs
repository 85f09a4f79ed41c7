//! Conversations as a file of their user's own: JSON lines, or a page to read. docs/export.md describes both.
//!
//! The file is made piece by piece, so that nothing is held and other inputs may come in between. Time zones and
//! languages are the caller's: the engine has neither.

mod html;
mod json;
#[cfg(test)]
mod tests;
mod time;

use diario_protocol::{ConversationId, ConversationKind, Seq, Timestamp};

use crate::engine::Engine;
use crate::error::EngineError;
use crate::view::{Anchor, MessageState, MessageView};

pub use html::ExportWords;

/// Version of the JSON lines.
pub const EXPORT_VERSION: u32 = 1;

/// Messages in a piece.
const PIECE: u32 = 400;

/// What is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExportFormat {
    /// One JSON object a line.
    Jsonl,
    /// A page of HTML.
    Html(Box<ExportWords>),
}

/// When something was, as people write it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalTime {
    /// Like `Monday 23 November 2026`.
    pub day: String,
    /// Like `09:14`.
    pub clock: String,
}

/// How far an export has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ExportProgress {
    /// Messages and notices that were written.
    pub done: u64,
    /// All that are here.
    pub total: u64,
    /// Conversations begun.
    pub conversations: u64,
    /// Conversations of which a part is not here.
    pub incomplete: u64,
}

/// A conversation, as it is exported.
#[derive(Debug)]
struct Chat {
    id: ConversationId,
    kind: ConversationKind,
    title: String,
    members: Vec<String>,
    missing: Vec<(Seq, Seq)>,
}

/// What an export is told of itself.
#[derive(Debug)]
struct Head {
    account: String,
    server: String,
    at: Timestamp,
}

/// An export that is under way.
#[derive(Debug)]
pub struct Export {
    format: ExportFormat,
    head: Head,
    chats: Vec<Chat>,
    stage: Stage,
    progress: ExportProgress,
    day: String,
}

#[derive(Debug, Clone, Copy)]
enum Stage {
    Head,
    Chat(usize),
    Messages { chat: usize, after: Seq },
    Tail,
    Over,
}

type Result<T> = std::result::Result<T, EngineError>;

impl Export {
    /// Begins an export of one conversation, or of all. `notes` is what the notes to self are called.
    pub fn begin(
        engine: &Engine,
        only: Option<ConversationId>,
        format: ExportFormat,
        notes: &str,
        now: Timestamp,
    ) -> Result<Self> {
        let me = engine.whoami().ok_or(EngineError::Internal("no account"))?;
        let rows = match only {
            Some(id) => engine.conversation_row(id)?.into_iter().collect(),
            None => engine.conversation_rows()?,
        };
        let mut chats = Vec::with_capacity(rows.len());
        let mut progress = ExportProgress::default();
        for row in rows {
            let members = engine.members(row.id)?;
            let title = match row.kind {
                ConversationKind::SelfConversation => notes.to_owned(),
                _ if !row.title.is_empty() => row.title,
                _ => {
                    let others = members.iter().filter(|m| !m.me).map(|m| m.username.as_str());
                    others.collect::<Vec<_>>().join(", ")
                }
            };
            let missing = engine.missing_in(row.id)?;
            progress.incomplete += u64::from(!missing.is_empty());
            progress.total += engine.said_in(row.id)?;
            let members = members.into_iter().map(|m| m.username).collect();
            chats.push(Chat { id: row.id, kind: row.kind, title, members, missing });
        }
        let head = Head { account: me.0, server: engine.server().unwrap_or_default().to_owned(), at: now };
        Ok(Self { format, head, chats, stage: Stage::Head, progress, day: String::new() })
    }

    /// How far it has come.
    pub fn progress(&self) -> ExportProgress {
        self.progress
    }

    /// The title, if it is one conversation.
    pub fn title(&self) -> Option<&str> {
        match &self.chats[..] {
            [chat] => Some(&chat.title),
            _ => None,
        }
    }

    /// The next piece of the file; `None` when there is no more. `local` tells times as people write them.
    pub fn piece(
        &mut self,
        engine: &Engine,
        local: &dyn Fn(Timestamp) -> LocalTime,
    ) -> Result<Option<String>> {
        let mut out = String::new();
        self.stage = match self.stage {
            Stage::Head => {
                match &self.format {
                    ExportFormat::Jsonl => json::head(&mut out, &self.head, self.chats.len()),
                    ExportFormat::Html(words) => html::head(&mut out, words, &self.head, &self.chats, local),
                }
                self.chat_or_tail(0)
            }
            Stage::Chat(chat) => {
                self.progress.conversations += 1;
                self.day.clear();
                match &self.format {
                    ExportFormat::Jsonl => json::chat(&mut out, &self.chats[chat]),
                    ExportFormat::Html(words) => {
                        html::chat(&mut out, words, &self.chats[chat], self.chats.len() == 1);
                    }
                }
                Stage::Messages { chat, after: Seq(0) }
            }
            Stage::Messages { chat, after } => self.messages(engine, chat, after, local, &mut out)?,
            Stage::Tail => {
                match &self.format {
                    ExportFormat::Jsonl => json::tail(&mut out, &self.progress),
                    ExportFormat::Html(_) => html::tail(&mut out),
                }
                Stage::Over
            }
            Stage::Over => return Ok(None),
        };
        Ok(Some(out))
    }

    fn chat_or_tail(&self, chat: usize) -> Stage {
        if chat < self.chats.len() { Stage::Chat(chat) } else { Stage::Tail }
    }

    fn messages(
        &mut self,
        engine: &Engine,
        chat: usize,
        after: Seq,
        local: &dyn Fn(Timestamp) -> LocalTime,
        out: &mut String,
    ) -> Result<Stage> {
        let id = self.chats[chat].id;
        let page = engine.history(id, Anchor::After(after), PIECE)?;
        let mut last = after;
        for message in &page.messages {
            let Some(seq) = message.seq else { continue };
            last = last.max(seq);
            self.message(message, local, out);
        }
        // What is missing is passed over: the head of the conversation says which parts those are.
        let next = page.missing_after.map_or(last, |missing| missing.last.max(last));
        if page.more_after && next > after {
            return Ok(Stage::Messages { chat, after: next });
        }
        // A page has only the newest of those that are not sent.
        for message in engine.not_in_the_log(id)? {
            self.message(&message, local, out);
        }
        if let ExportFormat::Html(_) = &self.format {
            html::chat_end(out);
        }
        Ok(self.chat_or_tail(chat + 1))
    }
}

impl Export {
    fn message(&mut self, message: &MessageView, local: &dyn Fn(Timestamp) -> LocalTime, out: &mut String) {
        // Later ones are of the next export.
        self.progress.done += 1;
        match &self.format {
            ExportFormat::Jsonl => json::message(out, message),
            ExportFormat::Html(words) => {
                let at = local(message.sent_at);
                if self.day != at.day && message.sent_at.0 > 0 {
                    self.day.clone_from(&at.day);
                    html::day(out, &at.day);
                }
                html::message(out, words, message, &at);
            }
        }
    }
}

/// Whether there are words to be read.
fn has_words(message: &MessageView) -> bool {
    !matches!(message.state, MessageState::Waiting | MessageState::Refused | MessageState::Erased)
}

fn kind_name(kind: ConversationKind) -> &'static str {
    match kind {
        ConversationKind::SelfConversation => "self",
        ConversationKind::Direct => "direct",
        ConversationKind::Group => "group",
    }
}
