//! WhatsApp's "Export chat" file, as `.zip` or `.txt`.
//!
//! An export is a text made for people: no message ids, no time zone, dates in the order of the phone's
//! region, system lines in the phone's language. It is read in two passes over the text. The first one
//! takes the shape of the date from the first line and weighs, over the whole file, whether the day or the
//! month comes first. The second one cuts the text at the dated lines and reads what is between them.
//!
//! A line is the start of a message only if its date has exactly the shape of the first one; every other
//! line continues the message above it. A phone writes one file in one format, and people quote dates.

mod body;
mod chat;
mod error;
mod id;
mod order;
mod phrases;
mod source;
mod stamp;
mod title;

use std::borrow::Cow;
use std::io::{Read, Seek};

use jiff::tz::TimeZone;

pub use chat::{Chat, Imported, Kind, Layout, Media};
pub use error::ImportError;
pub use id::ImportId;
pub use order::{DateOrder, Dates, Evidence};

use id::Ordinals;
use order::Census;
use stamp::Stamp;

/// What an import needs to be told, and what it may use.
#[derive(Clone, Debug)]
pub struct Options {
    /// The zone of the phone that made the export; the file holds local times and does not say.
    pub time_zone: TimeZone,
    /// The order of day and month; `None` finds it out from the file.
    pub date_order: Option<DateOrder>,
    /// The most bytes of chat text to read, after decompression.
    pub max_text_bytes: u64,
    /// The most messages to read; bounds the memory that many tiny messages take.
    pub max_messages: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            time_zone: TimeZone::UTC,
            date_order: None,
            max_text_bytes: 512 * 1024 * 1024,
            max_messages: 4_000_000,
        }
    }
}

/// How far an import has come, in bytes of chat text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Bytes turned into messages so far.
    pub bytes_done: u64,
    /// Bytes of the whole text.
    pub bytes_total: u64,
}

/// Reads an export from an open file.
///
/// Zip or text is told from the content; `file_name` (a path will do) only serves for the title. The
/// callback is called at least once, last with `bytes_done == bytes_total`; it never is on an error found
/// before the first message.
///
/// # Errors
///
/// See [`ImportError`]. No partial chat is returned.
pub fn open(
    reader: impl Read + Seek,
    file_name: &str,
    options: &Options,
    progress: &mut dyn FnMut(Progress),
) -> Result<Chat, ImportError> {
    let source = source::read(reader, file_name, options.max_text_bytes)?;
    parse(&source.text, source.title, options, progress)
}

/// Progress is reported about once in so many bytes.
const PROGRESS_STEP: u64 = 1024 * 1024;

fn parse(
    text: &str,
    title: Option<String>,
    options: &Options,
    progress: &mut dyn FnMut(Progress),
) -> Result<Chat, ImportError> {
    let census = survey(text)?;
    let dates = census.decide(options.date_order)?;
    let layout = census.shape().layout();
    let mut reading = Reading { options, layout, title, ordinals: Ordinals::default(), messages: vec![] };

    let bytes_total = text.len() as u64;
    let mut next_report = 0;
    let mut pending: Option<Pending<'_>> = None;
    for line in lines(text) {
        let Some(head) = Pending::new(&line, &census, dates.order) else {
            if pending.is_none() && !is_blank(line.text) {
                return Err(ImportError::TextBeforeFirstMessage { line: line.number });
            }
            continue;
        };
        if let Some(done) = pending.replace(head) {
            reading.finish(&done, &text[done.body_start..line.start])?;
        }
        let bytes_done = line.start as u64;
        if bytes_done >= next_report && bytes_done < bytes_total {
            progress(Progress { bytes_done, bytes_total });
            next_report = bytes_done + PROGRESS_STEP;
        }
    }
    if let Some(done) = pending {
        reading.finish(&done, &text[done.body_start..])?;
    }
    progress(Progress { bytes_done: bytes_total, bytes_total });

    let Reading { title, messages, .. } = reading;
    Ok(Chat { title, layout, dates, messages })
}

/// First pass: the shape of the first date, and what all dates of that shape say about their order.
fn survey(text: &str) -> Result<Census, ImportError> {
    let mut remaining = lines(text).skip_while(|line| is_blank(line.text));
    let first = remaining.next().ok_or(ImportError::Empty)?;
    let Some((stamp, _)) = stamp::parse(first.text) else {
        return Err(if remaining.any(|line| stamp::parse(line.text).is_some()) {
            ImportError::TextBeforeFirstMessage { line: first.number }
        } else {
            ImportError::NotAnExport
        });
    };
    let mut census = Census::new(&stamp, first.number);
    for line in remaining {
        if let Some((stamp, _)) = stamp::parse(line.text) {
            census.count(&stamp, line.number);
        }
    }
    Ok(census)
}

/// A message whose end is not known yet: it runs until the next dated line.
struct Pending<'a> {
    stamp: Stamp<'a>,
    sent_at: jiff::civil::DateTime,
    body_start: usize,
    line: u64,
}

impl<'a> Pending<'a> {
    fn new(line: &Line<'a>, census: &Census, order: DateOrder) -> Option<Self> {
        let (stamp, rest) = stamp::parse(line.text)?;
        if stamp.shape != census.shape() {
            return None;
        }
        let sent_at = stamp.date_time(order)?;
        let body_start = line.start + (line.text.len() - rest.len());
        Some(Self { stamp, sent_at, body_start, line: line.number })
    }
}

/// The chat as far as it is read.
struct Reading<'a> {
    options: &'a Options,
    layout: Layout,
    title: Option<String>,
    ordinals: Ordinals,
    messages: Vec<Imported>,
}

impl Reading<'_> {
    fn finish(&mut self, head: &Pending<'_>, raw: &str) -> Result<(), ImportError> {
        if self.messages.len() >= self.options.max_messages as usize {
            return Err(ImportError::TooManyMessages { limit: self.options.max_messages });
        }
        // jiff's "compatible" rule: a time in a gap moves on by the gap, a time that occurs twice is the first.
        let sent_at = self
            .options
            .time_zone
            .to_timestamp(head.sent_at)
            .map_err(|_| ImportError::TimeOutOfRange { line: head.line })?;
        let raw = unix_lines(raw);
        let (id, ordinal) = self.ordinals.next(&head.stamp, &raw);
        let body = body::read(&raw, self.layout, self.title.as_deref());
        self.messages.push(Imported {
            id,
            ordinal,
            sent_at,
            sender: body.sender,
            kind: body.kind,
            text: body.text,
            edited: body.edited,
        });
        Ok(())
    }
}

/// The text of a message with `\n` line ends and none at its end.
fn unix_lines(raw: &str) -> Cow<'_, str> {
    let raw = raw.trim_end_matches(['\r', '\n']);
    if raw.contains("\r\n") { Cow::Owned(raw.replace("\r\n", "\n")) } else { Cow::Borrowed(raw) }
}

/// A line without its end, its number from 1 and its offset in the text.
struct Line<'a> {
    number: u64,
    start: usize,
    text: &'a str,
}

fn lines(text: &str) -> impl Iterator<Item = Line<'_>> {
    let mut start = 0;
    (1..).zip(text.split_inclusive('\n')).map(move |(number, whole)| {
        let line = Line { number, start, text: whole.trim_end_matches('\n').trim_end_matches('\r') };
        start += whole.len();
        line
    })
}

fn is_blank(line: &str) -> bool {
    line.chars().all(|c| c.is_whitespace() || stamp::is_layout_mark(c))
}
