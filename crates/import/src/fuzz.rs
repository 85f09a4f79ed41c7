//! What the fuzz targets of this crate do with an input; see `diario_protocol::fuzz`.

use std::collections::HashSet;
use std::io::Cursor;

use crate::diario::{self, Archive, DiarioError};
use crate::whatsapp::{Chat, Kind, Options, open};

const MOST: u32 = 10_000;

/// WhatsApp's exports, `.txt` and `.zip`: limits are kept, and whoever imports one twice adds nothing.
pub fn whatsapp(bytes: &[u8]) -> bool {
    let options = Options { max_text_bytes: 1 << 20, max_messages: MOST, ..Options::default() };
    let name = "WhatsApp Chat - Anna.txt";
    let mut last = None;
    let chat = open(Cursor::new(bytes), name, &options, &mut |progress| {
        assert!(progress.bytes_done <= progress.bytes_total);
        last = Some(progress);
    });
    let Ok(chat) = chat else { return false };
    assert!(last.is_some_and(|last| last.bytes_done == last.bytes_total), "progress ends at the end");
    assert!(chat.messages.len() <= MOST as usize);
    let ids: HashSet<_> = chat.messages.iter().map(|m| m.id).collect();
    assert_eq!(ids.len(), chat.messages.len(), "an id for each message");
    for message in &chat.messages {
        if let Kind::Attachment { name } = &message.kind {
            let is_plain = !name.is_empty() && !name.contains(['/', '\\']) && name != "." && name != "..";
            assert!(is_plain, "{name:?} is no name of a file");
        }
    }
    let again = open(Cursor::new(bytes), name, &options, &mut |_| {});
    assert_eq!(again.ok().as_ref(), Some(&chat), "the same file is the same chat");
    longer(bytes, &chat, &options);
    true
}

/// A later export of the same chat has what this one has, under the same ids.
fn longer(bytes: &[u8], chat: &Chat, options: &Options) {
    if bytes.starts_with(b"PK") || chat.messages.len() == MOST as usize {
        return;
    }
    // In one text after the other every message is there twice, as WhatsApp writes it when somebody repeats himself.
    let line_ends = bytes.ends_with(b"\n");
    let twice = [bytes, if line_ends { b"" } else { b"\n" }, bytes].concat();
    let Ok(later) = open(Cursor::new(&twice), "chat.txt", options, &mut |_| {}) else { return };
    let ids: HashSet<_> = later.messages.iter().map(|m| m.id).collect();
    let lost = chat.messages.iter().rev().skip(1).filter(|m| !ids.contains(&m.id)).count();
    assert_eq!(lost, 0, "only the last message may have become longer");
}

/// Diario's own exports: a whole one or none, and the same one every time.
pub fn diario_export(bytes: &[u8]) -> bool {
    let options = diario::Options { max_line_bytes: 1 << 16, max_messages: MOST };
    let read = |bytes: &[u8]| -> Result<Archive, DiarioError> { diario::read(bytes, &options, &mut |_| {}) };
    let Ok(archive) = read(bytes) else { return false };
    let messages = archive.chats.iter().map(|chat| chat.messages.len()).sum::<usize>();
    assert!(messages <= MOST as usize);
    for chat in &archive.chats {
        assert!(!chat.title.is_empty());
        assert!(chat.messages.iter().all(|m| !m.text.is_empty()));
    }
    assert_eq!(read(bytes).ok().as_ref(), Some(&archive), "the same file is the same archive");
    // A file of which the end is missing is no export, wherever it was cut.
    let whole = bytes.trim_ascii_end();
    let last_line = whole.iter().rposition(|b| *b == b'\n').unwrap_or(0);
    assert!(read(&whole[..last_line]).is_err(), "without its last line");
    assert!(read(&whole[..whole.len() - 1]).is_err(), "without its last character");
    true
}

#[cfg(test)]
#[path = "../../../fuzz/replay.rs"]
mod replay;

#[cfg(test)]
mod tests {
    use super::replay::replay;

    #[test]
    fn the_corpora_go_through() {
        replay("whatsapp", super::whatsapp);
        replay("diario_export", super::diario_export);
    }
}
