//! The JSON lines of `diario export`; docs/export.md describes them.

use std::io::{self, BufRead, Read as _};

use jiff::Timestamp;
use serde::Deserialize;

/// The version that is read here.
pub const VERSION: u32 = 1;

/// What an import may use.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// The most bytes in one line.
    pub max_line_bytes: u64,
    /// The most messages to read.
    pub max_messages: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self { max_line_bytes: 4 * 1024 * 1024, max_messages: 4_000_000 }
    }
}

/// A whole export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Archive {
    /// The username of the account that made it.
    pub account: String,
    /// Its conversations, in the order of the file.
    pub chats: Vec<Chat>,
}

/// A conversation of an export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chat {
    /// Its id where it was exported.
    pub id: [u8; 16],
    /// Its title; never empty.
    pub title: String,
    /// What was said in it, in its order. What could not be read there is left out.
    pub messages: Vec<Message>,
}

/// A message of an export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its id, the same in every export.
    pub id: [u8; 16],
    /// Who said it; `None` for a change of members, or a notice.
    pub sender: Option<String>,
    /// When.
    pub sent_at: Timestamp,
    /// What. Of a change of members, `+ names` who came and `- names` who left.
    pub text: String,
}

/// Why an export could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DiarioError {
    /// It does not begin as an export does.
    #[error("this is not a Diario export; `diario export FILE.jsonl` makes one")]
    NotAnExport,
    /// A newer Diario wrote it.
    #[error(
        "a newer version of Diario wrote this export (format {found}, this one knows {VERSION}); update Diario"
    )]
    Newer {
        /// Its version.
        found: u32,
    },
    /// A line that says nothing that can be understood.
    #[error("line {line} is damaged; take the file as it was exported, or export it again")]
    Damaged {
        /// The line, from 1.
        line: u64,
    },
    /// The last line is missing, or counts more than is there.
    #[error("the export is cut off: its end is missing; copy the whole file, or export it again")]
    Cut,
    /// A line longer than allowed.
    #[error("line {line} is longer than the limit of {limit} bytes; raise the limit if you trust the file")]
    LineTooLong {
        /// The line, from 1.
        line: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// More messages than allowed.
    #[error("the export has more than {limit} messages; raise the limit if you trust the file")]
    TooManyMessages {
        /// The limit.
        limit: u32,
    },
    /// The file could not be read.
    #[error("the file could not be read")]
    Read(#[source] io::Error),
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Line {
    DiarioExport {
        version: u32,
        #[serde(default)]
        account: String,
    },
    Conversation {
        conversation: String,
        #[serde(default)]
        title: String,
    },
    Message(Said),
    Membership {
        conversation: String,
        id: String,
        sent_at: String,
        #[serde(default)]
        joined: Vec<String>,
        #[serde(default)]
        left: Vec<String>,
    },
    End {
        entries: u64,
    },
    /// Of a later minor version: nothing that must be understood.
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Said {
    conversation: String,
    id: String,
    #[serde(default)]
    sender: String,
    sent_at: String,
    text: Option<String>,
}

/// Whether a file that begins so is an export.
pub fn is_export(beginning: &[u8]) -> bool {
    let blank = beginning.iter().take_while(|b| b.is_ascii_whitespace()).count();
    beginning[blank..].starts_with(b"{\"type\":\"diario_export\"")
}

/// Reads an export. `progress` is told how many lines were read, from time to time.
///
/// # Errors
///
/// See [`DiarioError`]. No part of an archive is returned.
pub fn read(
    mut reader: impl BufRead,
    options: &Options,
    progress: &mut dyn FnMut(u64),
) -> Result<Archive, DiarioError> {
    let mut archive: Option<Archive> = None;
    let (mut entries, mut ended) = (0u64, false);
    let mut text = Vec::new();
    for line in 1.. {
        text.clear();
        let limit = options.max_line_bytes;
        let read = reader.by_ref().take(limit.saturating_add(1)).read_until(b'\n', &mut text);
        if read.map_err(DiarioError::Read)? == 0 {
            break;
        }
        if text.len() as u64 > limit {
            return Err(DiarioError::LineTooLong { line, limit });
        }
        if text.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let damaged = || if line == 1 { DiarioError::NotAnExport } else { DiarioError::Damaged { line } };
        // A line that was cut off is damaged, too, but what to say of it is that the end is missing.
        let parsed = match serde_json::from_slice::<Line>(&text) {
            Ok(parsed) => parsed,
            Err(_) if archive.is_some() && text.last() != Some(&b'\n') => return Err(DiarioError::Cut),
            Err(_) => return Err(damaged()),
        };
        let Some(begun) = &mut archive else {
            match parsed {
                Line::DiarioExport { version, account } if version <= VERSION => {
                    archive = Some(Archive { account, chats: Vec::new() });
                }
                Line::DiarioExport { version, .. } => return Err(DiarioError::Newer { found: version }),
                _ => return Err(DiarioError::NotAnExport),
            }
            continue;
        };
        if ended {
            return Err(damaged());
        }
        match parsed {
            Line::End { entries: all } if all == entries => ended = true,
            Line::End { .. } => return Err(DiarioError::Cut),
            Line::Other => {}
            Line::DiarioExport { .. } => return Err(damaged()),
            Line::Conversation { conversation, title } => {
                let id = hex(&conversation).ok_or_else(damaged)?;
                let title = title.trim();
                let title = if title.is_empty() { &conversation[..8] } else { title }.to_owned();
                begun.chats.push(Chat { id, title, messages: Vec::new() });
            }
            said @ (Line::Message(_) | Line::Membership { .. }) => {
                entries += 1;
                if entries > u64::from(options.max_messages) {
                    return Err(DiarioError::TooManyMessages { limit: options.max_messages });
                }
                let chat = begun.chats.last_mut().ok_or_else(damaged)?;
                put(said, chat).ok_or_else(damaged)?;
                if entries % 4096 == 0 {
                    progress(entries);
                }
            }
        }
    }
    match archive {
        Some(archive) if ended => Ok(archive),
        Some(_) => Err(DiarioError::Cut),
        None => Err(DiarioError::NotAnExport),
    }
}

/// Adds what a line says to its conversation; `None` if it is not of that or makes no sense.
fn put(line: Line, chat: &mut Chat) -> Option<()> {
    let (conversation, id, sender, sent_at, text) = match line {
        Line::Message(said) => {
            let sender = Some(said.sender).filter(|sender| !sender.is_empty());
            (said.conversation, said.id, sender, said.sent_at, said.text)
        }
        Line::Membership { conversation, id, sent_at, joined, left } => {
            let part = |sign: &str, names: &[String]| {
                (!names.is_empty()).then(|| format!("{sign} {}", names.join(", ")))
            };
            let parts: Vec<_> = part("+", &joined).into_iter().chain(part("-", &left)).collect();
            (conversation, id, None, sent_at, Some(parts.join(" ")))
        }
        _ => return None,
    };
    if hex(&conversation)? != chat.id {
        return None;
    }
    let (id, mut sent_at) = (hex(&id)?, sent_at.parse::<Timestamp>().ok()?);
    // What could not be read, or says nothing, is no message.
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Some(()) };
    // A change of members may have no time of its own.
    if sent_at <= Timestamp::UNIX_EPOCH {
        sent_at = chat.messages.last().map_or(Timestamp::UNIX_EPOCH, |m| m.sent_at);
    }
    chat.messages.push(Message { id, sender, sent_at, text });
    Some(())
}

fn hex(text: &str) -> Option<[u8; 16]> {
    let digits = text.as_bytes();
    if digits.len() != 32 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u128::from_str_radix(text, 16).ok().map(u128::to_be_bytes)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    const ID: &str = "0102030405060708090a0b0c0d0e0f10";

    fn export() -> String {
        format!(
            r#"{{"type":"diario_export","version":1,"exported_at":"2026-11-27T10:00:00.000Z","account":"anna","conversations":1}}
{{"type":"conversation","conversation":"{ID}","kind":"group","title":"Trip","members":["anna","bo"],"missing":[]}}
{{"type":"message","conversation":"{ID}","seq":1,"id":"{ID}","sender":"bo","sent_at":"2026-11-27T09:00:00.000Z","text":"ciao\n\"tu\"","state":"read","mine":false}}
{{"type":"membership","conversation":"{ID}","seq":2,"id":"{ID}","sender":"bo","sent_at":"1970-01-01T00:00:00.000Z","joined":["eva"],"left":["ugo"]}}
{{"type":"message","conversation":"{ID}","seq":3,"id":"{ID}","sender":"bo","sent_at":"2026-11-27T09:00:00.000Z","text":null,"state":"erased","mine":false}}
{{"type":"end","conversations":1,"entries":3}}
"#
        )
    }

    fn parse(text: &str) -> Result<Archive, DiarioError> {
        read(text.as_bytes(), &Options::default(), &mut |_| {})
    }

    #[test]
    fn what_was_exported_is_read() {
        assert!(is_export(export().as_bytes()));
        let archive = parse(&export()).unwrap();
        assert_eq!((archive.account.as_str(), archive.chats.len()), ("anna", 1));
        let chat = &archive.chats[0];
        assert_eq!((chat.title.as_str(), chat.id[15]), ("Trip", 16));
        let said: Vec<_> = chat.messages.iter().map(|m| (m.sender.as_deref(), m.text.as_str())).collect();
        assert_eq!(said, [(Some("bo"), "ciao\n\"tu\""), (None, "+ eva - ugo")]);
        assert_eq!(chat.messages[1].sent_at, chat.messages[0].sent_at, "it had no time of its own");
    }

    #[test]
    fn a_file_that_is_not_whole_is_refused_wherever_it_ends() {
        let whole = export();
        for end in 0..whole.len() - 1 {
            match parse(&whole[..end]) {
                Err(DiarioError::Cut | DiarioError::NotAnExport) => {}
                Ok(_) if end == whole.len() - 1 => {}
                other => panic!("{end}: {other:?}"),
            }
        }
        let short = whole.lines().filter(|line| !line.contains("membership")).collect::<Vec<_>>().join("\n");
        assert!(matches!(parse(&short), Err(DiarioError::Cut)));
    }

    #[test]
    fn nonsense_is_told_with_its_line() {
        let whole = export();
        assert!(matches!(
            parse(&whole.replace("\"seq\":2,\"id\":\"01", "\"seq\":2,\"id\":\"zz")),
            Err(DiarioError::Damaged { line: 4 })
        ));
        assert!(matches!(
            parse(&whole.replace("\"version\":1", "\"version\":2")),
            Err(DiarioError::Newer { found: 2 })
        ));
        assert!(matches!(parse("just words\n"), Err(DiarioError::NotAnExport)));
        assert!(matches!(
            parse(&format!("{whole}{{\"type\":\"end\",\"entries\":3}}\n")),
            Err(DiarioError::Damaged { line: 7 })
        ));
        let tight = Options { max_line_bytes: 100, ..Options::default() };
        assert!(matches!(
            read(whole.as_bytes(), &tight, &mut |_| {}),
            Err(DiarioError::LineTooLong { line: 1, .. })
        ));
        let few = Options { max_messages: 2, ..Options::default() };
        assert!(matches!(
            read(whole.as_bytes(), &few, &mut |_| {}),
            Err(DiarioError::TooManyMessages { limit: 2 })
        ));
        let later = whole.replace("{\"type\":\"end\"", "{\"type\":\"reaction\",\"x\":1}\n{\"type\":\"end\"");
        assert!(parse(&later).is_ok(), "what a later version adds is left out");
    }
}
