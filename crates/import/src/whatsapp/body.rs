//! What follows the date: who wrote, and what.

use super::phrases;
use super::stamp::{LRM, is_layout_mark};
use super::{Kind, Layout, Media};

/// A message without its date.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Body {
    pub(super) sender: Option<String>,
    pub(super) kind: Kind,
    pub(super) text: String,
    pub(super) edited: bool,
}

impl Body {
    fn system(text: &str) -> Self {
        Self { sender: None, kind: Kind::System, text: unmarked(text).to_owned(), edited: false }
    }
}

/// Reads all that stands between two dates; lines end in `\n`, the last one in nothing.
pub(super) fn read(raw: &str, layout: Layout, title: Option<&str>) -> Body {
    let Some((sender, body)) = split_sender(raw) else {
        return Body::system(raw);
    };
    let (body, edited) = strip_edited(body);
    if layout == Layout::Ios && is_system(&sender, body, title) {
        return Body::system(body);
    }
    let (kind, text) = split_media(body).unwrap_or_else(|| (Kind::Text, unmarked(body)));
    Body { sender: Some(sender), kind, text: text.to_owned(), edited }
}

/// Parts `Name: text`; `None` if no one is named.
fn split_sender(raw: &str) -> Option<(String, &str)> {
    let first = raw.split('\n').next().unwrap_or(raw);
    // Editors cut the space from the end of a message without text.
    let (name, body) = match first.find(": ") {
        Some(at) => (&first[..at], &raw[at + 2..]),
        None => (first.strip_suffix(':')?, &raw[first.len()..]),
    };
    if phrases::quotes_subject(name) {
        return None;
    }
    let name = clean_name(name);
    (!name.is_empty()).then_some((name, body))
}

/// A name without the marks that keep a phone number or a tilde from turning around.
fn clean_name(name: &str) -> String {
    let clean: String = name
        .chars()
        // U+200F stays: it may be part of a right-to-left name. So do the joiners of emoji.
        .filter(|c| *c == '\u{200f}' || !is_layout_mark(*c))
        .map(|c| if matches!(c, '\u{a0}' | '\u{202f}') { ' ' } else { c })
        .collect();
    clean.trim_matches(|c: char| c.is_whitespace() || is_layout_mark(c)).to_owned()
}

/// Text without WhatsApp's mark in front; a right-to-left mark is the writer's own and stays.
fn unmarked(text: &str) -> &str {
    text.trim_start_matches([LRM, '\n']).trim_end_matches('\n')
}

fn strip_edited(body: &str) -> (&str, bool) {
    let end = body.trim_end();
    phrases::EDITED
        .into_iter()
        .find_map(|mark| end.strip_suffix(mark))
        .map_or((body, false), |text| (before_mark(text), true))
}

/// What comes before something that WhatsApp added at the end.
fn before_mark(text: &str) -> &str {
    text.trim_end_matches([LRM, ' ', '\n'])
}

/// Whether a line of an iOS export, which always names someone, is WhatsApp's own.
fn is_system(sender: &str, body: &str, title: Option<&str>) -> bool {
    let text = unmarked(body);
    if phrases::is_encryption_notice(text) {
        return true;
    }
    let marked = body.starts_with(LRM);
    if !marked || phrases::is_notice(text) || split_media(body).is_some() {
        return false;
    }
    title == Some(sender) || phrases::is_event(text)
}

/// The media of a message and its caption.
fn split_media(body: &str) -> Option<(Kind, &str)> {
    let text = unmarked(body);
    let marked = body.starts_with(LRM);
    let (first, after) = text.split_once('\n').unwrap_or((text, ""));
    let first = first.trim_end();

    // Android: the media on the first line, the caption below it.
    if phrases::MEDIA_OMITTED.contains(&first) {
        return Some((Kind::MediaOmitted { media: Media::Unknown }, unmarked(after)));
    }
    if let Some(name) = phrases::FILE_ATTACHED.into_iter().find_map(|words| first.strip_suffix(words)) {
        let name = file_name(name)?;
        // Without the mark and without an extension it is more likely a remark.
        return (marked || name.contains('.')).then_some((Kind::Attachment { name }, unmarked(after)));
    }

    // iOS: the caption, or the name of a document, comes before the media.
    if let Some(name) = attached(first) {
        return Some((Kind::Attachment { name }, unmarked(after)));
    }
    if let Some((caption, name)) = text.rfind('<').and_then(|at| Some((&text[..at], attached(&text[at..])?)))
    {
        return Some((Kind::Attachment { name }, before_mark(caption)));
    }
    if let Some(media) = phrases::omitted(first)
        && (marked || after.is_empty())
    {
        return Some((Kind::MediaOmitted { media }, unmarked(after)));
    }
    let (caption, words) = text.rsplit_once(LRM)?;
    let media = phrases::omitted(words.trim_end())?;
    Some((Kind::MediaOmitted { media }, before_mark(caption)))
}

/// The name in `<attached: name>`.
fn attached(words: &str) -> Option<String> {
    let inner = words.trim_end().strip_prefix('<')?.strip_suffix('>')?.trim_start_matches(LRM);
    file_name(phrases::ATTACHED.into_iter().find_map(|word| inner.strip_prefix(word))?)
}

/// A file name that is safe to join to a folder.
fn file_name(words: &str) -> Option<String> {
    const LONGEST: usize = 255;
    let name = words.trim_matches(|c: char| c.is_whitespace() || is_layout_mark(c));
    let bad = |c: char| c.is_control() || matches!(c, '/' | '\\' | '<' | '>' | ':');
    let safe = !matches!(name, "" | "." | "..") && name.len() <= LONGEST && !name.contains(bad);
    safe.then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ios(raw: &str) -> Body {
        read(raw, Layout::Ios, None)
    }

    fn android(raw: &str) -> Body {
        read(raw, Layout::Android, None)
    }

    fn said(sender: &str, text: &str) -> Body {
        Body { sender: Some(sender.to_owned()), kind: Kind::Text, text: text.to_owned(), edited: false }
    }

    #[test]
    fn names_lose_marks_and_nothing_else() {
        for (raw, name) in [
            ("Anna: x", "Anna"),
            ("\u{200e}Anna: x", "Anna"),
            ("~\u{202f}Anna: x", "~ Anna"),
            ("\u{202a}+39\u{a0}333\u{a0}1234567\u{202c}: x", "+39 333 1234567"),
            ("Jean-Luc - Work: x", "Jean-Luc - Work"),
            ("👩‍👩‍👧 Mamma 🇮🇹: x", "👩‍👩‍👧 Mamma 🇮🇹"),
            ("\u{200f}דנה\u{200f}: x", "דנה"),
        ] {
            assert_eq!(android(raw), said(name, "x"), "{raw:?}");
        }
    }

    #[test]
    fn a_line_that_quotes_a_subject_names_no_sender() {
        for raw in [
            "Anna changed the subject from “Lunch: Monday” to “Lunch: Tuesday”",
            "Anna ha creato il gruppo \"Cena: sabato\"",
            "Anna hat die Gruppe „Ausflug: Berge“ erstellt",
            "Anna left",
            "",
        ] {
            assert_eq!(android(raw), Body::system(raw), "{raw:?}");
        }
    }

    #[test]
    fn text_keeps_colons_directions_and_inner_marks() {
        assert_eq!(android("Anna: note: 3 - 4: x"), said("Anna", "note: 3 - 4: x"));
        assert_eq!(ios("Anna: \u{200f}שלום\u{200e} a\n\nb"), said("Anna", "\u{200f}שלום\u{200e} a\n\nb"));
        assert_eq!(ios("Anna: "), said("Anna", ""));
        assert_eq!(ios("Anna:\nbelow"), said("Anna", "below"));
    }

    #[test]
    fn only_marked_lines_are_events_on_ios() {
        assert_eq!(ios("Anna: Bob added salt"), said("Anna", "Bob added salt"));
        assert_eq!(ios("Anna: \u{200e}Anna added Bob"), Body::system("Anna added Bob"));
        assert_eq!(ios("Anna: \u{200e}This message was deleted."), said("Anna", "This message was deleted."));
        let missed = "Anna: \u{200e}Missed voice call";
        assert_eq!(read(missed, Layout::Ios, Some("Anna")), said("Anna", "Missed voice call"));
        let other = read("Friends: \u{200e}Something new happened", Layout::Ios, Some("Friends"));
        assert_eq!(other, Body::system("Something new happened"));
    }

    #[test]
    fn an_attachment_has_a_plain_file_name() {
        for raw in [
            "Anna: ../../etc/passwd.txt (file attached)",
            "Anna: \u{200e}<attached: ..>",
            "Anna: \u{200e}<attached: >",
            "Anna: \u{200e}<attached: a\\b.jpg>",
            "Anna: I like it (file attached)",
        ] {
            assert_eq!(ios(raw).kind, Kind::Text, "{raw:?}");
        }
        let body = ios("Anna: a caption\n\u{200e}<\u{200e}attached: 01-PHOTO.jpg>");
        assert_eq!(
            (body.kind, &*body.text),
            (Kind::Attachment { name: "01-PHOTO.jpg".to_owned() }, "a caption")
        );
    }

    #[test]
    fn words_that_people_write_are_not_media() {
        assert_eq!(ios("Anna: why is the image omitted").kind, Kind::Text);
        assert_eq!(ios("Anna: image omitted\nhe said").kind, Kind::Text);
        let body = ios("Anna: \u{200e}Plan.pdf • \u{200e}3 pages \u{200e}document omitted");
        assert_eq!(body.kind, Kind::MediaOmitted { media: Media::Document });
        assert_eq!(body.text, "Plan.pdf • \u{200e}3 pages");
    }

    #[test]
    fn the_edited_mark_becomes_a_flag() {
        for raw in [
            "Anna: hi \u{200e}<This message was edited>",
            "Anna: hi <Questo messaggio è stato modificato>",
            "Anna: hi\n\u{200e}<Diese Nachricht wurde bearbeitet.>",
        ] {
            assert_eq!(ios(raw), Body { edited: true, ..said("Anna", "hi") }, "{raw:?}");
        }
        let quoted = "it says <This message was edited> there";
        assert_eq!(ios(&format!("Anna: {quoted}")), said("Anna", quoted));
    }
}
