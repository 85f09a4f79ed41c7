//! Made-up chats, with what a parser must say of them.
//!
//! The same seed gives the same chat, and a chat of fewer messages is the beginning of one of more, like an
//! export made earlier. Nothing in here is shared with the parser but the types of its answer.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use crate::whatsapp::{Imported, Kind, Layout, Media};

mod language;
mod words;

pub use language::{FREQUENT, Language, SEARCHES};

/// The region and language of the phone that wrote a chat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Locale {
    /// English, `31/12/2024`, 24 hours.
    EnglishUk,
    /// English, `12/31/24`, 12 hours.
    EnglishUs,
    /// Italian, `31/12/24`, 24 hours.
    Italian,
    /// German, `31.12.24`, 24 hours.
    German,
}

impl Locale {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::EnglishUk, Self::EnglishUs, Self::Italian, Self::German];
}

/// Both layouts.
pub const LAYOUTS: [Layout; 2] = [Layout::Android, Layout::Ios];

/// A made-up export.
#[derive(Clone, Debug)]
pub struct Generated {
    /// The content of the file.
    pub text: String,
    /// What must come out of it, read in UTC.
    pub expected: Vec<Expected>,
}

/// What must come out of one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// When it was sent.
    pub sent_at: Timestamp,
    /// Who wrote it.
    pub sender: Option<String>,
    /// What it is.
    pub kind: Kind,
    /// Text or caption.
    pub text: String,
    /// Whether it was edited.
    pub edited: bool,
}

impl PartialEq<Imported> for Expected {
    fn eq(&self, other: &Imported) -> bool {
        let Imported { id: _, ordinal: _, sent_at, sender, kind, text, edited } = other;
        self.sent_at == *sent_at
            && self.sender == *sender
            && self.kind == *kind
            && self.text == *text
            && self.edited == *edited
    }
}

/// Makes a group chat up: bursts and nights, several senders, long and short texts, emoji, right-to-left
/// text, media, notices and system lines.
pub fn generate(seed: u64, messages: usize, layout: Layout, locale: Locale) -> Generated {
    let mut writer = Writer::new(seed, layout, locale);
    writer.opening();
    while writer.expected.len() < messages {
        writer.wait();
        writer.message();
    }
    writer.finish(messages)
}

/// The mark that phones put before what WhatsApp writes.
const LRM: char = '\u{200e}';

struct Writer {
    random: Random,
    layout: Layout,
    locale: Locale,
    words: &'static words::Words,
    now: DateTime,
    text: String,
    expected: Vec<Expected>,
    /// Where each message starts in the text.
    starts: Vec<usize>,
}

impl Writer {
    fn new(seed: u64, layout: Layout, locale: Locale) -> Self {
        let mut random = Random::new(seed);
        let day = i64::try_from(random.below(900)).unwrap_or(0);
        let start = DateTime::constant(2021, 1, 4, 8, 30, 0, 0).saturating_add(day.days());
        Self {
            random,
            layout,
            locale,
            words: words::of(locale),
            now: start,
            text: String::new(),
            expected: vec![],
            starts: vec![],
        }
    }

    fn finish(mut self, messages: usize) -> Generated {
        if let Some(end) = self.starts.get(messages) {
            self.text.truncate(*end);
        }
        self.expected.truncate(messages);
        Generated { text: self.text, expected: self.expected }
    }

    /// The lines that every group starts with.
    fn opening(&mut self) {
        self.system(self.words.encryption.to_owned());
        let creation = format!("{} {}", words::SENDERS[0], self.words.created);
        self.system(creation);
    }

    /// Lets time pass: mostly seconds, at times a night or some days.
    fn wait(&mut self) {
        let seconds = match self.random.below(100) {
            0..60 => self.random.below(40),
            60..90 => 60 + self.random.below(900),
            90..98 => 3600 + self.random.below(4 * 3600),
            _ => 86_400 + self.random.below(2 * 86_400),
        };
        let mut next = self.now.saturating_add(i64::try_from(seconds).unwrap_or(0).seconds());
        if next.hour() < 7 && self.random.below(20) > 0 {
            next = next.saturating_add(7.hours());
        }
        self.now = next;
    }

    fn message(&mut self) {
        let sender = self.random.pick(&words::SENDERS);
        match self.random.below(100) {
            0..3 => {
                let event = format!("{} {}", words::SENDERS[1], self.random.pick(&self.words.events));
                self.system(event);
            }
            3..9 => self.media(sender),
            9..11 => {
                let notice = self.random.pick(&self.words.notices);
                let (body, text) = self.by_whatsapp(notice);
                self.push(sender, Kind::Text, &body, &text, false);
            }
            11..14 => {
                let text = self.words();
                let body = format!("{text} {LRM}{}", self.words.edited);
                self.push(sender, Kind::Text, &body, &text, true);
            }
            14..24 => {
                let text = self.lines();
                self.push(sender, Kind::Text, &text, &text, false);
            }
            24..30 => {
                let text = self.random.pick(&words::AWKWARD);
                self.push(sender, Kind::Text, text, text, false);
            }
            _ => {
                let text = self.words();
                self.push(sender, Kind::Text, &text, &text, false);
            }
        }
    }

    fn media(&mut self, sender: &str) {
        let caption = if self.random.below(3) == 0 { self.words() } else { String::new() };
        let name =
            format!("IMG-{:08}-WA{:04}.jpg", self.random.below(100_000_000), self.random.below(10_000));
        let attached = self.random.below(2) == 0;
        let (kind, body) = match (self.layout, attached) {
            (Layout::Android, true) => {
                let body = format!("{LRM}{name} {}", self.words.file_attached);
                (Kind::Attachment { name }, below(body, &caption))
            }
            (Layout::Android, false) => {
                let body = self.words.media_omitted.to_owned();
                (Kind::MediaOmitted { media: Media::Unknown }, below(body, &caption))
            }
            (Layout::Ios, true) => {
                let body = above(&caption, &format!("<{}: {name}>", self.words.attached));
                (Kind::Attachment { name }, body)
            }
            (Layout::Ios, false) => {
                let (words, media) = self.random.pick(&self.words.omitted);
                (Kind::MediaOmitted { media }, above(&caption, words))
            }
        };
        self.push(sender, kind, &body, &caption, false);
    }

    /// A notice in a person's name, as written and as read.
    fn by_whatsapp(&self, notice: &str) -> (String, String) {
        let body = match self.layout {
            Layout::Android => notice.to_owned(),
            Layout::Ios => format!("{LRM}{notice}"),
        };
        (body, notice.to_owned())
    }

    fn words(&mut self) -> String {
        let count = 1 + self.random.below(14);
        let mut text = String::new();
        for _ in 0..count {
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(self.random.pick(self.words.vocabulary));
        }
        text
    }

    fn lines(&mut self) -> String {
        let mut text = self.words();
        for _ in 0..=self.random.below(4) {
            text.push('\n');
            match self.random.below(4) {
                0 => {}
                1 => text.push_str(self.random.pick(&words::AWKWARD)),
                _ => text.push_str(&self.words()),
            }
        }
        // WhatsApp sends no message that ends in an empty line.
        text.push_str("\n.");
        text
    }

    fn system(&mut self, text: String) {
        let start = self.text.len();
        self.stamp(false);
        if self.layout == Layout::Ios {
            self.text.push_str("Trip: ");
            self.text.push(LRM);
        }
        self.text.push_str(&text);
        self.text.push('\n');
        self.expect(start, None, Kind::System, text, false);
    }

    fn push(&mut self, sender: &str, kind: Kind, body: &str, text: &str, edited: bool) {
        let start = self.text.len();
        let marked = body.contains(LRM) && self.random.below(2) == 0;
        self.stamp(marked);
        self.text.push_str(sender);
        self.text.push_str(": ");
        self.text.push_str(body);
        self.text.push('\n');
        let sender = words::name_of(sender);
        self.expect(start, Some(sender), kind, text.to_owned(), edited);
    }

    fn expect(&mut self, start: usize, sender: Option<String>, kind: Kind, text: String, edited: bool) {
        let seconds = if self.layout == Layout::Ios { self.now.second() } else { 0 };
        let read = self.now.with().second(seconds).build().unwrap_or(self.now);
        let sent_at = TimeZone::UTC.to_timestamp(read).unwrap_or(Timestamp::UNIX_EPOCH);
        self.expected.push(Expected { sent_at, sender, kind, text, edited });
        self.starts.push(start);
    }

    fn stamp(&mut self, marked: bool) {
        use std::fmt::Write as _;

        let (y, m, d) = (self.now.year(), self.now.month(), self.now.day());
        let date = match self.locale {
            Locale::EnglishUk => format!("{d:02}/{m:02}/{y}"),
            Locale::EnglishUs => format!("{m}/{d}/{:02}", y % 100),
            Locale::Italian => format!("{d:02}/{m:02}/{:02}", y % 100),
            Locale::German => format!("{d:02}.{m:02}.{:02}", y % 100),
        };
        let (hour, minute) = (self.now.hour(), self.now.minute());
        let seconds =
            if self.layout == Layout::Ios { format!(":{:02}", self.now.second()) } else { String::new() };
        let time = match self.locale {
            Locale::EnglishUs => {
                let half = if hour < 12 { "AM" } else { "PM" };
                format!("{}:{minute:02}{seconds}\u{202f}{half}", (hour + 11) % 12 + 1)
            }
            _ => format!("{hour:02}:{minute:02}{seconds}"),
        };
        if marked && self.layout == Layout::Ios {
            self.text.push(LRM);
        }
        let written = match self.layout {
            Layout::Android => write!(self.text, "{date}, {time} - "),
            Layout::Ios => write!(self.text, "[{date}, {time}] "),
        };
        debug_assert!(written.is_ok(), "a string takes all that is written to it");
    }
}

fn below(first: String, caption: &str) -> String {
    if caption.is_empty() { first } else { format!("{first}\n{caption}") }
}

fn above(caption: &str, words: &str) -> String {
    if caption.is_empty() { format!("{LRM}{words}") } else { format!("{caption} {LRM}{words}") }
}

/// Xorshift64*: small, the same everywhere, and no secret depends on it.
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Self {
        // Zero would stay zero.
        Self((seed ^ 0x9e37_79b9_7f4a_7c15).max(1))
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, end: u64) -> u64 {
        (self.next() >> 16) % end
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        let index = usize::try_from(self.below(from.len() as u64)).unwrap_or(0);
        from[index]
    }
}
