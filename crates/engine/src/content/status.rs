//! Reports on the status of messages: the types of draft-mahy-mimi-message-status-01.
//!
//! Diario itself keeps "delivered up to" and "read up to" in slots; this is for what comes from and goes to
//! others.

use super::MessageId;

/// Media type of a [`MessageStatusReport`].
pub const STATUS_MEDIA_TYPE: &str = "application/mimi-message-status";

/// What became of some messages of one room, as one member tells it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MessageStatusReport(pub Vec<(MessageId, MessageStatus)>);

/// What became of one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MessageStatus {
    /// Not read yet, or marked so.
    Unread,
    /// Some device has it.
    Delivered,
    /// Read.
    Read,
    /// It ran out and can't be read any more.
    Expired,
    /// Deleted, here or for everyone.
    Deleted,
    /// Hidden here, for example archived.
    Hidden,
    /// Known by its id only: receiving it failed.
    Error,
    /// A status of a later version (7 to 255).
    Unknown(u8),
}

impl MessageStatus {
    /// Its number in the draft.
    pub const fn code(self) -> u8 {
        match self {
            Self::Unread => 0,
            Self::Delivered => 1,
            Self::Read => 2,
            Self::Expired => 3,
            Self::Deleted => 4,
            Self::Hidden => 5,
            Self::Error => 6,
            Self::Unknown(code) => code,
        }
    }

    /// From its number in the draft.
    pub const fn from_code(code: u8) -> Self {
        match code {
            0 => Self::Unread,
            1 => Self::Delivered,
            2 => Self::Read,
            3 => Self::Expired,
            4 => Self::Deleted,
            5 => Self::Hidden,
            6 => Self::Error,
            _ => Self::Unknown(code),
        }
    }
}
