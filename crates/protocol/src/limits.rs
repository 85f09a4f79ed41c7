//! What a server takes, as told in [`crate::Hello`]; each is a setting of the server.

use minicbor::{Decode, Encode};

/// Limits that devices keep to.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Limits {
    /// Bytes of one frame of a device.
    #[n(0)]
    pub frame: u32,
    /// Bytes of one entry's body.
    #[n(1)]
    pub entry: u32,
    /// Bytes of one slot's body.
    #[n(2)]
    pub slot: u32,
    /// Bytes of one signal's body.
    #[n(3)]
    pub signal: u32,
    /// Requests of one connection that may wait for their answer.
    #[n(4)]
    pub in_flight: u16,
    /// Devices of one account.
    #[n(5)]
    pub devices: u16,
    /// Accounts in one conversation.
    #[n(6)]
    pub members: u16,
    /// One-time key packages kept for a device.
    #[n(7)]
    pub key_packages: u16,
    /// Slot writes or look-ups in one request.
    #[n(8)]
    pub batch: u16,
    /// For how long entries are kept, whatever a conversation's members agree on.
    #[n(9)]
    pub retention: crate::Retention,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            frame: 4 * 1024 * 1024,
            entry: 64 * 1024,
            slot: 64 * 1024,
            signal: 4 * 1024,
            in_flight: 64,
            devices: 32,
            members: 1_000,
            key_packages: 100,
            batch: 256,
            retention: crate::Retention::FOREVER,
        }
    }
}

/// By how much a slot's version may grow at once. Without it, one member could put a slot at its last version for ever.
pub const SLOT_LEAP: u64 = 1024;

/// The largest frame that a device takes from a server, in bytes.
///
/// A `GroupState` of the largest conversation is the largest answer; pages and changes are cut to
/// [`PAGE_BYTES`].
pub const SERVER_FRAME: usize = 16 * 1024 * 1024;

/// The longest URL of a push subscription, in bytes.
pub const PUSH_ENDPOINT: usize = 2048;

/// Conversations that a push subscription may name as silent.
pub const PUSH_SILENT: usize = 4096;

/// About how many bytes of entries and slots the server puts into one frame.
pub const PAGE_BYTES: usize = 256 * 1024;
