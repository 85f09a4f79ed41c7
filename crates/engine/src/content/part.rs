//! The body of a message: one part, or parts in parts (sections 4.4 and 4.5 of the draft).

use super::{ContentError, MARKDOWN, MAX_PART_DEPTH, MAX_PARTS, PLAIN_TEXT};

/// A part and what it is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NestedPart {
    /// What the receiver should do with it.
    pub disposition: Disposition,
    /// Comma-separated language tags (RFC 5646), or empty.
    pub language: String,
    /// What it holds.
    pub part: Part,
}

/// What a part holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Nothing: a deletion.
    Null,
    /// Content in place.
    Single {
        /// IANA media type with parameters.
        content_type: String,
        /// The bytes of that type.
        content: Vec<u8>,
    },
    /// Content to be fetched.
    External(Box<ExternalPart>),
    /// Two or more parts.
    Multi {
        /// How they belong together.
        semantics: Semantics,
        /// The parts.
        parts: Vec<NestedPart>,
    },
}

/// What a part is for; the draft's registry (section 8.2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Disposition(pub u8);

impl Disposition {
    /// Nothing said.
    pub const UNSPECIFIED: Self = Self(0);
    /// Show it.
    pub const RENDER: Self = Self(1);
    /// A reaction to another message.
    pub const REACTION: Self = Self(2);
    /// The profile of a person or a room.
    pub const PROFILE: Self = Self(3);
    /// Show it in the conversation.
    pub const INLINE: Self = Self(4);
    /// A picture such as an avatar.
    pub const ICON: Self = Self(5);
    /// To be downloaded.
    pub const ATTACHMENT: Self = Self(6);
    /// A call, or how to join it.
    pub const SESSION: Self = Self(7);
    /// What the sender shows of something else, such as a link.
    pub const PREVIEW: Self = Self(8);
}

/// How the parts of a multi-part belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Semantics {
    /// The receiver picks one.
    ChooseOne,
    /// All or none.
    SingleUnit,
    /// As many as the receiver can.
    ProcessAll,
}

/// Content that lies elsewhere, as a rule encrypted with the key given here (section 4.5).
#[derive(Clone, PartialEq, Eq)]
pub struct ExternalPart {
    /// IANA media type of the decrypted content.
    pub content_type: String,
    /// Where it lies.
    pub url: String,
    /// When it is gone, in seconds after 1970-01-01T00:00:00Z; 0 for never.
    pub expires: u32,
    /// Size in bytes; 0 if not said.
    pub size: u64,
    /// IANA AEAD algorithm (RFC 5116); 0 for none.
    pub enc_alg: u16,
    /// Key of that algorithm.
    pub key: Vec<u8>,
    /// Nonce of that algorithm.
    pub nonce: Vec<u8>,
    /// Additional data of that algorithm.
    pub aad: Vec<u8>,
    /// IANA named-information hash algorithm; 0 for none.
    pub hash_alg: u8,
    /// Hash of what lies at the URL.
    pub content_hash: Vec<u8>,
    /// A text for people, or empty.
    pub description: String,
    /// A name to save it under, or empty.
    pub filename: String,
}

// The key opens the attachment, the URL finds it: neither may come into a log.
impl std::fmt::Debug for ExternalPart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ExternalPart")
            .field("content_type", &self.content_type)
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}

impl NestedPart {
    /// A part to be shown, in no particular language.
    pub fn new(disposition: Disposition, part: Part) -> Self {
        Self { disposition, language: String::new(), part }
    }

    /// Plain text.
    pub fn plain(body: impl Into<String>) -> Self {
        Self::single(Disposition::RENDER, PLAIN_TEXT, body.into().into_bytes())
    }

    /// Markdown.
    pub fn markdown(body: impl Into<String>) -> Self {
        Self::single(Disposition::RENDER, MARKDOWN, body.into().into_bytes())
    }

    /// Content in place.
    pub fn single(disposition: Disposition, content_type: impl Into<String>, content: Vec<u8>) -> Self {
        Self::new(disposition, Part::Single { content_type: content_type.into(), content })
    }

    /// Refuses parts that [`MimiContent::decode`](super::MimiContent::decode) would refuse.
    pub(super) fn check(&self) -> Result<(), ContentError> {
        let mut left = MAX_PARTS;
        self.check_below(MAX_PART_DEPTH, &mut left)
    }

    fn check_below(&self, levels: usize, left: &mut usize) -> Result<(), ContentError> {
        let levels = levels.checked_sub(1).ok_or(ContentError::PartsTooDeep)?;
        *left = left.checked_sub(1).ok_or(ContentError::TooManyParts)?;
        match &self.part {
            Part::Multi { parts, .. } if parts.len() < 2 => Err(ContentError::TooFewParts),
            Part::Multi { parts, .. } => parts.iter().try_for_each(|part| part.check_below(levels, left)),
            Part::Null | Part::Single { .. } | Part::External(_) => Ok(()),
        }
    }
}
