//! The content of a message: CBOR after draft-ietf-mimi-content-08.
//!
//! A [`MimiContent`] is one message as its author wrote it: text, a reply, an edit, a deletion, a reaction, an
//! attachment, or several parts of these. [`MimiContent::encode`] and [`MimiContent::decode`] turn it into
//! bytes and back; [`MimiContent::view`] reads it the way a user interface wants it.
//!
//! Followed is draft-ietf-mimi-content-08; the working copy of -09 has the same bytes. What this module makes
//! of the places where the draft leaves a choice:
//!
//! - The encoding is deterministic (RFC 8949, section 4.2.1) and the decoder takes nothing else: a content has
//!   exactly one encoding, so a message id names one content.
//! - Limits are the draft's (4 levels of parts and of extensions, topics up to 4096 bytes), but for the number
//!   of parts: 64, where the draft calls more than 1024 malicious.
//! - The extensions `senderUri` and `roomUri` are not written. In Diario both are authenticated by what seals
//!   the content; a content that claims others is refused by [`MimiContent::check_origin`].
//!
//! [`pad`] hides how long a content is before it is sealed.

mod build;
mod codec;
mod error;
mod extensions;
mod id;
mod padding;
mod part;
#[cfg(test)]
mod properties;
mod reader;
mod status;
#[cfg(test)]
mod tests;
mod view;

pub use error::ContentError;
pub use extensions::{ExtensionKey, ExtensionValue, Extensions};
pub use id::{MessageId, account_uri, conversation_uri};
pub use padding::{MIN_PADDED_LEN, pad, unpad};
pub use part::{Disposition, ExternalPart, NestedPart, Part, Semantics};
pub use status::{MessageStatus, MessageStatusReport, STATUS_MEDIA_TYPE};
pub use view::{Attachment, AttachmentSource, ContentView, TextFormat};

/// Media type of an encoded [`MimiContent`].
pub const MEDIA_TYPE: &str = "application/mimi-content";

/// Media type of plain text; every client of the draft reads it (section 7.1).
pub const PLAIN_TEXT: &str = "text/plain;charset=utf-8";

/// Media type of Markdown; every client of the draft reads it (section 7.1.1).
pub const MARKDOWN: &str = "text/markdown;variant=GFM-MIMI";

/// Deepest nesting of parts; the outermost part is level 1 (section 6.3).
pub const MAX_PART_DEPTH: usize = 4;

/// Most parts in one content, containers counted.
pub const MAX_PARTS: usize = 64;

/// Deepest nesting of maps, arrays and tags in the extensions; their map is level 1 (section 6.3).
pub const MAX_EXTENSION_DEPTH: usize = 4;

/// Longest topic id, in bytes (section 9.1).
pub const MAX_TOPIC_LEN: usize = 4096;

/// One message (section 4.1 of the draft).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MimiContent {
    /// Random, new for every message: two messages with the same words have different ids.
    pub salt: [u8; 16],
    /// The message that this one edits or deletes: always its first version.
    pub replaces: Option<MessageId>,
    /// Groups messages into a topic; empty for none.
    pub topic_id: Vec<u8>,
    /// When the author wants it gone.
    pub expires: Option<Expiration>,
    /// The message that this one answers, in the version that its author saw.
    pub in_reply_to: Option<MessageId>,
    /// What later specifications and private agreements add.
    pub extensions: Extensions,
    /// What is said.
    pub nested_part: NestedPart,
}

/// When a message should vanish; a wish, not a guarantee (section 4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Expiration {
    /// So many seconds after the receiver read it.
    AfterReading(u32),
    /// At this many seconds after 1970-01-01T00:00:00Z.
    At(u32),
}

impl MimiContent {
    /// Refuses a content that names another author or another room than what sealed it.
    ///
    /// A content that names none, as Diario's do, is fine.
    pub fn check_origin(&self, sender_uri: &str, room_uri: &str) -> Result<(), ContentError> {
        let agrees = |key, uri| {
            self.extensions.value(&key).is_none_or(|claimed: &ExtensionValue| claimed.as_text() == Some(uri))
        };
        if agrees(ExtensionKey::SENDER_URI, sender_uri) && agrees(ExtensionKey::ROOM_URI, room_uri) {
            Ok(())
        } else {
            Err(ContentError::ForeignOrigin)
        }
    }
}
