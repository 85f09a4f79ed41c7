//! Diario's wire protocol: what a device and a server say to each other.
//!
//! Ids, frames, limits, errors, the CBOR codec and the signed device list. There is no I/O here and no
//! MLS; MLS messages are opaque bytes. `diario.cddl` beside this crate gives the frames in CDDL (RFC 8610).
//!
//! A connection is one WebSocket (RFC 6455). Every binary message on it is one frame: a [`ClientFrame`]
//! towards the server, a [`ServerFrame`] towards the device.

#![forbid(unsafe_code)]

mod bytes;
mod codec;
pub mod device_list;
#[cfg(any(test, feature = "fuzz"))]
pub mod fuzz;
mod heads;
pub mod hex;
mod ids;
pub mod limits;
mod log;
mod push;
mod recovery;
mod refusal;
mod request;
mod response;
mod retention;
pub mod roster;
mod row;
mod slot;
mod text;

pub use bytes::{Bin, Fixed};
pub use codec::{DecodeError, decode, encode};
pub use heads::{
    ConversationHead, HEAD_OTHERS, HeadDevice, HeadEntry, HeadSlot, Heads, HeadsPlace, HeadsRange,
};
pub use ids::{
    AccountId, ConversationId, DeviceId, Digest, EntryId, Epoch, IdError, MailboxId, Nonce, Position,
    PublicKey, RecoveryId, RequestId, Seq, ServerId, Signature, SlotKey, SlotVersion, Timestamp,
};
pub use log::{Body, Entry, EntryKind, LogHash, Sending};
pub use push::PushSubscription;
pub use recovery::{
    NewMethod, OpenVault, OpenedVault, PutVault, Recover, VAULT_VALUE, VaultMethod, VaultSeal,
};
pub use refusal::Refusal;
pub use request::{
    AccountRef, Append, ClientFrame, Commit, CreateConversation, DeviceRef, LogRange, Login, PutKeyPackages,
    PutSlots, Register, Request, Signal, SlotWrite,
};
pub use response::{
    AccountInfo, Change, Changes, GroupState, Hello, LogPage, LoggedIn, MailboxItem, Membership, Notice,
    Reply, Seen, ServerFrame, SignalPush, SlotOutcome, Welcome, What,
};
pub use retention::{Retention, RetentionError};
pub use row::{ChangesRef, WhatRef};
pub use slot::Slot;
pub use text::{Username, UsernameError};

/// Version of the protocol, told in [`Hello`]; a device refuses a server of another one.
pub const PROTOCOL_VERSION: u16 = 1;

/// Path of the WebSocket on the server.
pub const WEBSOCKET_PATH: &str = "/v1/ws";

/// Kinds of conversation, fixed at its creation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, minicbor::Encode, minicbor::Decode)]
#[cbor(index_only)]
pub enum ConversationKind {
    /// The account's own: drafts, settings, the keyring. Its id is [`ConversationId::of_self`].
    #[n(0)]
    SelfConversation,
    /// Two accounts. Its id is [`ConversationId::of_pair`].
    #[n(1)]
    Direct,
    /// Any number of accounts. Its id is [`ConversationId::of_group`].
    #[n(2)]
    Group,
}
