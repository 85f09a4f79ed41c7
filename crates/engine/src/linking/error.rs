//! Why a linking failed.

use super::MAX_PAYLOAD;
use super::message::Farewell;

/// Why a linking failed, or a call was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LinkingError {
    /// The two sides do not hold the same secret: a typing error, an old code, or somebody in between who
    /// guesses. Also when the other side, or the server in its name, says so.
    #[error("the codes of the two devices do not match; make a new code and try again")]
    WrongCode,
    /// Somebody changed, repeated or dropped a message after the codes were found to match.
    #[error("somebody changed a message between the two devices; make a new code and try again")]
    Tampered,
    /// A message that belongs elsewhere: out of order, twice, or of the other side's own.
    #[error(
        "a message came that does not belong here, where {expected} was due; make a new code and try again"
    )]
    Unexpected {
        /// What was due.
        expected: &'static str,
    },
    /// No message of a linking, or of another version.
    #[error("a message came that can't be read; make a new code and try again")]
    Malformed,
    /// The other side gave up, or the server says so in its name.
    #[error("the other device gave up; make a new code and try again")]
    PeerGaveUp,
    /// The server says that the other side's connection was lost.
    #[error("the connection to the other device was lost; make a new code and try again")]
    PeerGone,
    /// The linking has ended before, well or not.
    #[error("this linking has ended; make a new code and try again")]
    Closed,
    /// A payload does not fit into one message. The linking goes on.
    #[error("{len} bytes are too much for one message of a linking, which holds {MAX_PAYLOAD}")]
    TooLarge {
        /// Its length.
        len: usize,
    },
    /// The caller asked for what cannot be done now. The linking goes on.
    #[error("{call} was called where it has no meaning")]
    Misuse {
        /// What was called.
        call: &'static str,
    },
    /// A cryptographic library refused what must work: a bug of Diario.
    #[error("the cryptography of the linking failed unexpectedly")]
    Internal,
}

impl LinkingError {
    /// What to put into the mailbox so that the other side learns of it, if that makes sense.
    ///
    /// It tells whether the codes matched and nothing more.
    pub fn farewell(&self) -> Option<Vec<u8>> {
        match self {
            Self::WrongCode => Some(Farewell::WrongCode.to_message()),
            Self::Tampered | Self::Unexpected { .. } | Self::Malformed | Self::Internal => {
                Some(Farewell::GaveUp.to_message())
            }
            Self::PeerGaveUp
            | Self::PeerGone
            | Self::Closed
            | Self::TooLarge { .. }
            | Self::Misuse { .. } => None,
        }
    }
}
