//! Why an export could not be read, sorted by whose turn it is.

use std::io;

use super::DateOrder;

/// Why an export could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    // The file is not what it should be.
    /// There is nothing in it.
    #[error("the chat is empty; export it again with \"Export chat\" in WhatsApp")]
    Empty,
    /// No line of it starts with a date.
    #[error(
        "this file is not a WhatsApp export: no line starts with a date; \
         export the chat again with \"Export chat\" in WhatsApp and import the file as it is"
    )]
    NotAnExport,
    /// Text that belongs to no message.
    #[error(
        "line {line} comes before the first message and has no date like the others; \
         remove it, or import the file as WhatsApp made it"
    )]
    TextBeforeFirstMessage {
        /// The line, from 1.
        line: u64,
    },
    /// Bytes that are not UTF-8.
    #[error(
        "the chat is damaged: byte {offset} is not valid UTF-8; \
         import the file as WhatsApp made it, not saved again by an editor"
    )]
    NotUtf8 {
        /// Bytes before the first wrong one.
        offset: u64,
    },
    /// A text in UTF-16, which WhatsApp never writes.
    #[error(
        "the chat is in UTF-16, so an editor saved it again; \
         import the file as WhatsApp made it, or save it as UTF-8"
    )]
    Utf16,
    /// A zip that cannot be unpacked.
    #[error("the zip file is damaged, or locked with a password; copy it from the phone again")]
    DamagedZip(#[source] io::Error),
    /// A zip without a chat.
    #[error(
        "there is no chat in this zip file: WhatsApp puts a \"_chat.txt\" or a \
         \"WhatsApp Chat with ….txt\" in it; export the chat again with \"Export chat\""
    )]
    NoChatInZip,
    /// A zip with more than one chat.
    #[error("there are {count} chats in this zip file; unpack it and import them one at a time")]
    SeveralChatsInZip {
        /// How many.
        count: usize,
    },
    /// A date that no clock shows.
    #[error("the date of line {line} is out of range; correct it and import the file again")]
    TimeOutOfRange {
        /// The line, from 1.
        line: u64,
    },

    // It goes past a limit that the caller may raise.
    /// More text than allowed.
    #[error("the chat is longer than the limit of {limit} bytes; raise the limit if you trust the file")]
    TooLarge {
        /// The limit in bytes.
        limit: u64,
    },
    /// More messages than allowed.
    #[error("the chat has more than {limit} messages; raise the limit if you trust the file")]
    TooManyMessages {
        /// The limit.
        limit: u32,
    },

    // The caller said something that the file denies.
    /// The date order asked for makes no sense of the dates.
    #[error(
        "the dates are not {given}: line {line} could not be one; import with another date order, or none"
    )]
    DateOrderContradicted {
        /// The order asked for.
        given: DateOrder,
        /// A line that denies it, from 1.
        line: u64,
    },

    // The machine.
    /// The file could not be read.
    #[error("the file could not be read")]
    Read(#[source] io::Error),
}
