//! Slots: sealed values of which the newest version counts.

use minicbor::{Decode, Encode};

use crate::{AccountId, Bin, ConversationId, DeviceId, Epoch, SlotKey, SlotVersion};

/// One sealed value of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Slot {
    /// The conversation it belongs to.
    #[n(0)]
    pub conversation: ConversationId,
    /// Which value it is.
    #[n(1)]
    pub key: SlotKey,
    /// Grows with every write; authenticated inside `body` too.
    #[n(2)]
    pub version: SlotVersion,
    /// The epoch whose key seals it.
    #[n(3)]
    pub epoch: Epoch,
    /// Who wrote it.
    #[n(4)]
    pub account: AccountId,
    /// The device that wrote it.
    #[n(5)]
    pub device: DeviceId,
    /// `COSE_Encrypt0` (RFC 9052).
    #[n(6)]
    pub body: Bin,
}
