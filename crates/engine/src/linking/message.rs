//! The messages in the mailbox: a tag byte and a body.

use super::LinkingError;

const SHARE: u8 = 1;
const HELLO: u8 = 2;
const ANSWER: u8 = 3;
const SEALED: u8 = 4;
const FAREWELL: u8 = 5;

/// A message, its body not looked at yet.
pub(super) enum Message<'a> {
    /// SPAKE2, of either side.
    Share(&'a [u8]),
    /// Noise message 1, of the approver.
    Hello(&'a [u8]),
    /// Noise message 2, of the candidate.
    Answer(&'a [u8]),
    /// A transport message of Noise; what it is stands inside, sealed.
    Sealed(&'a [u8]),
}

/// Why a side leaves; not authenticated, for there may be no common key.
///
/// A server that forges it gains nothing: it could as well hold the messages back.
#[derive(Clone, Copy)]
pub(super) enum Farewell {
    GaveUp = 0,
    WrongCode = 1,
}

/// What a sealed message is: its first byte inside.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Request = 1,
    Grant = 2,
    Deny = 3,
    Done = 4,
}

impl<'a> Message<'a> {
    /// Reads a message; a farewell is an error.
    pub(super) fn parse(message: &'a [u8]) -> Result<Self, LinkingError> {
        match message {
            [SHARE, body @ ..] => Ok(Self::Share(body)),
            [HELLO, body @ ..] => Ok(Self::Hello(body)),
            [ANSWER, body @ ..] => Ok(Self::Answer(body)),
            [SEALED, body @ ..] => Ok(Self::Sealed(body)),
            // The server's word: what it passes on is never empty.
            [] => Err(LinkingError::PeerGone),
            [FAREWELL, 0] => Err(LinkingError::PeerGaveUp),
            [FAREWELL, 1] => Err(LinkingError::WrongCode),
            _ => Err(LinkingError::Malformed),
        }
    }

    pub(super) fn to_vec(&self) -> Vec<u8> {
        let (tag, body) = match self {
            Self::Share(body) => (SHARE, body),
            Self::Hello(body) => (HELLO, body),
            Self::Answer(body) => (ANSWER, body),
            Self::Sealed(body) => (SEALED, body),
        };
        [&[tag], *body].concat()
    }
}

impl Farewell {
    pub(super) fn to_message(self) -> Vec<u8> {
        vec![FAREWELL, self as u8]
    }
}

impl Kind {
    pub(super) fn from_byte(byte: u8) -> Option<Self> {
        [Self::Request, Self::Grant, Self::Deny, Self::Done].into_iter().find(|kind| *kind as u8 == byte)
    }
}
