//! What an export becomes.

use jiff::Timestamp;

use super::{Dates, ImportId};

/// A whole export, in the order of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chat {
    /// The contact's or group's name, from the file name; `None` if the file was renamed.
    pub title: Option<String>,
    /// Which kind of phone wrote the file.
    pub layout: Layout,
    /// How the dates were read. Ask the user where the evidence is only [`Convention`](super::Evidence).
    pub dates: Dates,
    /// The messages, oldest first as the phone wrote them; times may step back by a little.
    pub messages: Vec<Imported>,
}

/// One message of an export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// The same for this message in every export of the chat.
    pub id: ImportId,
    /// Its place, from 0, among messages with the same time, sender and text.
    pub ordinal: u32,
    /// When it was sent; Android exports know only the minute.
    pub sent_at: Timestamp,
    /// The sender's name as the phone showed it; `None` for a system line.
    pub sender: Option<String>,
    /// What it is.
    pub kind: Kind,
    /// The text, or the caption of media, without the marks that WhatsApp adds.
    pub text: String,
    /// Whether WhatsApp marked it as edited.
    pub edited: bool,
}

/// What a message is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Something a person wrote, or a notice in a person's name (deleted, missed call, poll, location).
    Text,
    /// A line by WhatsApp itself: encryption notice, members, subject.
    System,
    /// Media that the export was made without.
    MediaOmitted {
        /// What was left out.
        media: Media,
    },
    /// Media that lies beside the text in the export.
    Attachment {
        /// Its file name: never empty, never with a path separator, never `.` or `..`.
        name: String,
    },
}

/// The sort of media that was left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Media {
    /// Android does not say.
    Unknown,
    /// A picture.
    Image,
    /// A video or a video note.
    Video,
    /// A voice message or a sound file.
    Audio,
    /// A sticker.
    Sticker,
    /// An animated picture.
    Gif,
    /// A file; its name is in the text if the export has it.
    Document,
    /// A contact card.
    Contact,
}

/// The two ways in which phones write an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Layout {
    /// `12/03/24, 14:05 - Name: text`
    Android,
    /// `[12/03/24, 14:05:33] Name: text`
    Ios,
}
