//! Hand-made exports, every field of every message.

use std::collections::HashSet;

use diario_import::whatsapp::{Chat, DateOrder, Evidence, Imported, Kind, Layout, Media, Options};
use jiff::tz::TimeZone;

use crate::{ids, import};

/// A message as a test spells it; the ordinal is apart for being nearly always 0.
#[derive(Debug, PartialEq)]
struct Row {
    sent_at: String,
    sender: Option<String>,
    kind: Kind,
    text: String,
    edited: bool,
}

impl Row {
    fn of(message: &Imported) -> Self {
        let Imported { id: _, ordinal: _, sent_at, sender, kind, text, edited } = message.clone();
        Self { sent_at: sent_at.to_string(), sender, kind, text, edited }
    }

    fn edited(self) -> Self {
        Self { edited: true, ..self }
    }
}

fn row(sent_at: &str, sender: Option<&str>, kind: Kind, text: &str) -> Row {
    let (sender, text) = (sender.map(str::to_owned), text.to_owned());
    Row { sent_at: format!("{sent_at}Z"), sender, kind, text, edited: false }
}

fn text(sent_at: &str, sender: &str, text: &str) -> Row {
    row(sent_at, Some(sender), Kind::Text, text)
}

fn system(sent_at: &str, text: &str) -> Row {
    row(sent_at, None, Kind::System, text)
}

fn omitted(sent_at: &str, sender: &str, media: Media, text: &str) -> Row {
    row(sent_at, Some(sender), Kind::MediaOmitted { media }, text)
}

fn attachment(sent_at: &str, sender: &str, name: &str, text: &str) -> Row {
    row(sent_at, Some(sender), Kind::Attachment { name: name.to_owned() }, text)
}

/// Compares all but the ordinals, which are 0 unless the test says where they are not.
fn check(
    bytes: &[u8],
    file_name: &str,
    layout: Layout,
    order: DateOrder,
    evidence: Evidence,
    rows: &[Row],
) -> Chat {
    let chat = import(bytes, file_name, &Options::default()).unwrap();
    assert_eq!((chat.layout, chat.dates.order, chat.dates.evidence), (layout, order, evidence));
    let found: Vec<Row> = chat.messages.iter().map(Row::of).collect();
    for (found, expected) in found.iter().zip(rows) {
        assert_eq!(found, expected);
    }
    assert_eq!(found.len(), rows.len());
    assert_eq!(ids(&chat).into_iter().collect::<HashSet<_>>().len(), rows.len(), "ids are not unique");
    chat
}

fn ordinals(chat: &Chat) -> Vec<u32> {
    chat.messages.iter().map(|message| message.ordinal).collect()
}

#[test]
fn android_italian_with_byte_order_mark_and_crlf() {
    let rows = [
        system(
            "2024-03-12T14:05:00",
            "I messaggi e le chiamate sono crittografati end-to-end. Tocca per saperne di più.",
        ),
        system("2024-03-12T14:05:00", "Anna ha creato il gruppo \"Cena: sabato\""),
        system("2024-03-12T14:05:00", "Anna ha aggiunto Luca"),
        text("2024-03-12T14:06:00", "Anna", "Ciao a tutti 👋\nportate:\n- pane\n\n- vino"),
        omitted("2024-03-13T09:00:00", "Luca", Media::Unknown, ""),
        attachment("2024-03-13T09:01:00", "Luca", "IMG-20240313-WA0001.jpg", "Il lago"),
        text("2024-03-13T09:02:00", "Luca", "Questo messaggio è stato eliminato"),
        text("2024-03-13T09:03:00", "Anna", "bello").edited(),
        text("2024-03-13T09:04:00", "Luca", "ok"),
        text("2024-03-13T09:04:00", "Luca", "ok"),
    ];
    let bytes = include_bytes!("../fixtures/android_it.txt");
    let (order, evidence) = (DateOrder::DayFirst, Evidence::Numbers);
    let chat = check(bytes, "Chat WhatsApp con Cena.txt", Layout::Android, order, evidence, &rows);
    assert_eq!(chat.title.as_deref(), Some("Cena"));
    assert_eq!(ordinals(&chat), [0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
}

#[test]
fn android_american_twelve_hours() {
    let rows = [
        system("2023-12-31T23:59:00", "Messages and calls are end-to-end encrypted. Tap to learn more."),
        text("2023-12-31T23:59:00", "Zoë 🎉", "Happy new year: almost"),
        text("2024-01-01T00:00:00", "+1 (555) 010-0199", "🎆"),
        omitted("2024-01-01T12:01:00", "~ Bob", Media::Unknown, "with a caption"),
        attachment("2024-01-02T13:02:00", "Bob", "VID-20240102-WA0003.mp4", ""),
        text("2024-01-02T13:03:00", "Zoë 🎉", ""),
        system("2024-01-02T13:04:00", "Zoë 🎉 left"),
    ];
    let bytes = include_bytes!("../fixtures/android_us.txt");
    let (order, evidence) = (DateOrder::MonthFirst, Evidence::Numbers);
    let chat = check(bytes, "WhatsApp Chat with Zoë 🎉.txt", Layout::Android, order, evidence, &rows);
    assert_eq!(chat.title.as_deref(), Some("Zoë 🎉"));
    assert_eq!(ordinals(&chat), [0; 7]);
}

#[test]
fn android_german_with_dates_inside_of_messages() {
    let rows = [
        system(
            "2024-02-01T08:00:00",
            "Nachrichten und Anrufe sind Ende-zu-Ende-verschlüsselt. Tippe, um mehr zu erfahren.",
        ),
        system("2024-02-01T08:00:00", "Jürgen Groß hat die Gruppe „Ausflug: Berge“ erstellt"),
        text(
            "2024-02-02T08:01:00",
            "Jean-Luc - Arbeit",
            "Wer fährt? 12.02.24, 10:00 - passt das?\n03.02.24 das wäre auch gut",
        ),
        omitted("2024-02-03T08:02:00", "Jürgen Groß", Media::Unknown, ""),
        attachment("2024-02-03T08:03:00", "Jürgen Groß", "Karte Süd.pdf", ""),
        text("2024-02-03T08:04:00", "Jürgen Groß", "Bis dann").edited(),
        text("2024-02-04T08:05:00", "Jean-Luc - Arbeit", "Diese Nachricht wurde gelöscht."),
    ];
    let bytes = include_bytes!("../fixtures/android_de.txt");
    let (order, evidence) = (DateOrder::DayFirst, Evidence::Convention);
    let chat = check(bytes, "WhatsApp-Chat mit Ausflug.txt", Layout::Android, order, evidence, &rows);
    assert_eq!(chat.title.as_deref(), Some("Ausflug"));
    assert_eq!(ordinals(&chat), [0; 7]);
}

#[test]
fn android_british_twelve_hours() {
    let rows = [
        text("2024-02-01T09:05:00", "Alice", "a.m. without dots"),
        text("2024-02-02T00:05:00", "Alice", "after midnight"),
        text("2024-02-02T12:05:00", "Bob", "noon"),
        text("2024-02-03T21:05:00", "Bob", "evening"),
    ];
    let bytes = include_bytes!("../fixtures/android_uk_12h.txt");
    let (order, evidence) = (DateOrder::DayFirst, Evidence::Convention);
    let chat = check(bytes, "renamed.txt", Layout::Android, order, evidence, &rows);
    assert_eq!(chat.title, None);
    assert_eq!(ordinals(&chat), [0; 4]);
}

#[test]
fn ios_english_group() {
    let rows = [
        system(
            "2024-11-05T08:00:00",
            "Messages and calls are end-to-end encrypted. No one outside of this chat can read them.",
        ),
        system("2024-11-05T08:00:01", "Alice created group “Book Club”"),
        text("2024-11-05T08:00:02", "Alice", "Bob added a book: see below"),
        text("2024-11-05T08:01:00", "~ Bob", "Which one?"),
        omitted("2024-11-05T08:02:00", "Alice", Media::Image, ""),
        omitted("2024-11-05T08:03:00", "Alice", Media::Image, "the cover"),
        attachment("2024-11-05T08:04:00", "~ Bob", "00000012-PHOTO-2024-11-05-08-04-00.jpg", ""),
        omitted("2024-11-05T08:05:00", "~ Bob", Media::Document, "Chapter 1.pdf • \u{200e}3 pages"),
        text("2024-11-05T08:06:00", "Alice", "This message was deleted."),
        text("2024-11-05T08:07:00", "Alice", "Good.").edited(),
        system("2024-11-05T08:08:00", "Bob changed the group name"),
        text("2024-11-05T08:09:00", "Alice", "Missed voice call, \u{200e}Tap to call back"),
        text("2024-11-05T08:10:00", "Alice", "POLL:\nWhen?\n\u{200e}OPTION: Monday (1 vote)"),
    ];
    let bytes = include_bytes!("../fixtures/ios_en.txt");
    let (order, evidence) = (DateOrder::DayFirst, Evidence::Convention);
    let chat = check(bytes, "_chat.txt", Layout::Ios, order, evidence, &rows);
    assert_eq!(chat.title, None);
    assert_eq!(ordinals(&chat), [0; 13]);
}

#[test]
fn ios_italian_contact_with_all_media() {
    let anna = "Anna Bianchi";
    let rows = [
        system("2023-12-31T23:59:58", "I messaggi e le chiamate sono crittografati end-to-end."),
        text("2023-12-31T23:59:59", "Luca", "Auguri"),
        omitted("2024-01-01T00:00:00", anna, Media::Image, ""),
        omitted("2024-01-01T00:00:01", anna, Media::Video, ""),
        omitted("2024-01-01T00:00:02", anna, Media::Audio, ""),
        omitted("2024-01-01T00:00:03", anna, Media::Sticker, ""),
        omitted("2024-01-01T00:00:04", anna, Media::Gif, ""),
        omitted("2024-01-01T00:00:05", anna, Media::Contact, ""),
        attachment("2024-01-01T00:00:06", anna, "00000009-AUDIO.opus", ""),
        text("2024-01-01T00:00:07", "Luca", "Hai eliminato questo messaggio."),
        text("2024-01-01T00:00:08", "Luca", "Posizione: https://maps.google.com/?q=45.4,10.9"),
    ];
    let bytes = include_bytes!("../fixtures/ios_it.txt");
    let (order, evidence) = (DateOrder::DayFirst, Evidence::Numbers);
    let chat = check(bytes, "WhatsApp Chat - Luca.txt", Layout::Ios, order, evidence, &rows);
    assert_eq!(chat.title.as_deref(), Some("Luca"));
    assert_eq!(ordinals(&chat), [0; 11]);
}

#[test]
fn ios_american_is_month_first_by_convention() {
    let rows = [
        text("2024-03-04T01:02:03", "Sam", "one"),
        text("2024-03-04T12:02:03", "Sam", "two"),
        text("2024-03-05T13:02:03", "+1 (555) 010-0199", "three"),
    ];
    let bytes = include_bytes!("../fixtures/ios_us_12h.txt");
    let (order, evidence) = (DateOrder::MonthFirst, Evidence::Convention);
    let chat = check(bytes, "_chat.txt", Layout::Ios, order, evidence, &rows);
    assert_eq!(ordinals(&chat), [0; 3]);

    let given = Options { date_order: Some(DateOrder::DayFirst), ..Options::default() };
    let other = import(bytes, "_chat.txt", &given).unwrap();
    assert_eq!(other.dates.evidence, Evidence::Given);
    assert_eq!(other.messages[2].sent_at.to_string(), "2024-05-03T13:02:03Z");
    assert_eq!(ids(&other), ids(&chat), "an id must not depend on options");
}

#[test]
fn ios_german_on_a_leap_day() {
    let rows = [
        system("2024-02-29T07:00:00", "Nachrichten und Anrufe sind Ende-zu-Ende-verschlüsselt."),
        omitted("2024-02-29T07:00:01", "Oma", Media::Image, ""),
        attachment("2024-02-29T07:00:02", "Oma", "00000002-PHOTO.jpg", ""),
        attachment("2024-02-29T07:00:03", "Oma", "00000003-PHOTO.jpg", "Schau"),
        omitted("2024-02-29T07:00:04", "Oma", Media::Contact, ""),
        system("2024-02-29T07:00:05", "Karl wurde hinzugefügt"),
    ];
    let bytes = include_bytes!("../fixtures/ios_de.txt");
    let (order, evidence) = (DateOrder::DayFirst, Evidence::Numbers);
    let chat = check(bytes, "_chat.txt", Layout::Ios, order, evidence, &rows);
    assert_eq!(ordinals(&chat), [0; 6]);
}

#[test]
fn right_to_left_text_is_left_alone() {
    let rows = [
        text("2024-03-12T14:05:33", "דנה כהן", "\u{200f}שלום \u{200e}OK\u{200f}!"),
        text("2024-03-12T14:05:34", "أحمد", "مرحبا 123\n\u{200f}סוף"),
        text("2024-03-12T14:05:35", "דנה כהן", "\u{2067}שלום\u{2069} there @\u{2068}Anna\u{2069}"),
    ];
    let bytes = include_bytes!("../fixtures/rtl.txt");
    let (order, evidence) = (DateOrder::DayFirst, Evidence::Convention);
    let chat = check(bytes, "_chat.txt", Layout::Ios, order, evidence, &rows);
    assert_eq!(ordinals(&chat), [0; 3]);
}

#[test]
fn year_first() {
    let rows = [text("2024-01-02T03:04:00", "A", "x"), text("2024-11-12T13:14:00", "B", "y")];
    let bytes = include_bytes!("../fixtures/year_first.txt");
    let (order, evidence) = (DateOrder::YearFirst, Evidence::Numbers);
    let chat = check(bytes, "_chat.txt", Layout::Android, order, evidence, &rows);
    assert_eq!(ordinals(&chat), [0; 2]);
}

#[test]
fn local_times_in_gaps_and_folds() {
    let bytes = include_bytes!("../fixtures/dst.txt");
    let rome = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
    let options = Options { time_zone: rome, ..Options::default() };
    let chat = import(bytes, "_chat.txt", &options).unwrap();
    let times: Vec<String> = chat.messages.iter().map(|message| message.sent_at.to_string()).collect();
    let expected = [
        "2024-03-30T11:00:00Z",
        "2024-03-31T01:30:00Z",
        "2024-03-31T01:30:00Z",
        "2024-10-26T10:00:00Z",
        "2024-10-27T00:30:00Z",
        "2024-10-27T02:30:00Z",
    ];
    assert_eq!(times, expected);
    let in_utc = import(bytes, "_chat.txt", &Options::default()).unwrap();
    assert_eq!(ids(&in_utc), ids(&chat), "an id must not depend on options");
}
