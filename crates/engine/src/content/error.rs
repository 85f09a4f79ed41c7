//! What can be wrong with a content.

/// Why a content, an id or a padding was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ContentError {
    /// The bytes are not what the draft has at this place.
    #[error("not a message content: expected {expected} at byte {at}")]
    Malformed {
        /// Where.
        at: usize,
        /// What should be there.
        expected: &'static str,
    },
    /// The bytes say something that has a shorter or an ordered encoding (RFC 8949, section 4.2.1).
    #[error("the message content is not encoded deterministically at byte {at}")]
    NotDeterministic {
        /// Where.
        at: usize,
    },
    /// Bytes follow the content.
    #[error("bytes follow the message content, from byte {at}")]
    TrailingBytes {
        /// Where they begin.
        at: usize,
    },
    /// A number does not fit its field.
    #[error("{field} is out of range")]
    OutOfRange {
        /// The field's name in the draft.
        field: &'static str,
    },
    /// Parts are nested deeper than [`MAX_PART_DEPTH`](super::MAX_PART_DEPTH).
    #[error("the parts of the message are nested too deeply")]
    PartsTooDeep,
    /// More parts than [`MAX_PARTS`](super::MAX_PARTS).
    #[error("the message has too many parts")]
    TooManyParts,
    /// A multi-part with fewer than two parts.
    #[error("a part that holds others needs at least two")]
    TooFewParts,
    /// An extension is nested deeper than [`MAX_EXTENSION_DEPTH`](super::MAX_EXTENSION_DEPTH).
    #[error("an extension of the message is nested too deeply")]
    ExtensionTooDeep,
    /// An extension key is neither an integer of up to 53 bits nor a text of 1 to 255 bytes.
    #[error("the message has an extension key that is not allowed")]
    BadExtensionKey,
    /// `senderUri` or `roomUri` is not a text.
    #[error("the message names its sender or room by something that is not a text")]
    BadOriginType,
    /// The content names another sender or room than the one that it came from.
    #[error("the message claims another sender or conversation than its own")]
    ForeignOrigin,
    /// The topic id is longer than [`MAX_TOPIC_LEN`](super::MAX_TOPIC_LEN).
    #[error("the topic of the message is too long")]
    TopicTooLong,
    /// The first byte of a message id is no known hash algorithm.
    #[error("a message id has the unknown hash algorithm {0}")]
    UnknownHashAlgorithm(u8),
    /// A URI that goes into a message id is longer than 65,535 bytes.
    #[error("a URI is too long for a message id")]
    UriTooLong,
    /// The padding does not end a padded content.
    #[error("the padding of the message is broken")]
    BadPadding,
}
