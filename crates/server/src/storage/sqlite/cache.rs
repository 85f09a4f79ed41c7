//! What the writer knows without asking the database. Dropped whole when a transaction fails.

use std::collections::HashMap;
use std::sync::Arc;

use diario_protocol::{
    AccountId, ConversationId, ConversationKind, DeviceRef, Epoch, LogHash, Position, Seq, Timestamp,
};

/// A conversation's newest state.
#[derive(Debug, Clone)]
pub(super) struct Conversation {
    pub(super) kind: ConversationKind,
    pub(super) epoch: Epoch,
    pub(super) head: Seq,
    pub(super) hash: LogHash,
    pub(super) participants: Arc<[AccountId]>,
    /// Unknown until the next write, after something changed that it depends on.
    pub(super) roster: Option<RosterState>,
}

/// Whether a conversation's leaves are those that the device lists want.
#[derive(Debug, Clone, Copy)]
pub(super) struct RosterState {
    pub(super) stale: bool,
    /// A device expires then: look again.
    pub(super) until: Timestamp,
}

/// The caches. Each is bounded; a full one is emptied, which costs a few reads.
#[derive(Debug)]
pub(super) struct Cache {
    most: usize,
    pub(super) conversations: HashMap<ConversationId, Conversation>,
    heads: HashMap<AccountId, Position>,
    devices: HashMap<DeviceRef, Listing>,
}

/// What the newest list says of a device.
#[derive(Debug, Clone, Copy)]
pub(super) enum Listing {
    /// Valid until then.
    Until(Timestamp),
    /// Not in the list.
    Missing,
}

impl Cache {
    pub(super) fn new(most: usize) -> Self {
        Self { most, conversations: HashMap::new(), heads: HashMap::new(), devices: HashMap::new() }
    }

    pub(super) fn clear(&mut self) {
        self.conversations.clear();
        self.heads.clear();
        self.devices.clear();
    }

    pub(super) fn put_conversation(&mut self, id: ConversationId, conversation: Conversation) {
        if self.conversations.len() >= self.most && !self.conversations.contains_key(&id) {
            self.conversations.clear();
        }
        self.conversations.insert(id, conversation);
    }

    pub(super) fn head(&self, account: AccountId) -> Option<Position> {
        self.heads.get(&account).copied()
    }

    pub(super) fn put_head(&mut self, account: AccountId, head: Position) {
        // An account is small, and has a few conversations.
        if self.heads.len() >= self.most * 4 && !self.heads.contains_key(&account) {
            self.heads.clear();
        }
        self.heads.insert(account, head);
    }

    pub(super) fn device(&self, device: DeviceRef) -> Option<Listing> {
        self.devices.get(&device).copied()
    }

    pub(super) fn put_device(&mut self, device: DeviceRef, listing: Listing) {
        if self.devices.len() >= self.most * 4 {
            self.devices.clear();
        }
        self.devices.insert(device, listing);
    }

    pub(super) fn forget_devices(&mut self, account: AccountId) {
        self.devices.retain(|device, _| device.account != account);
    }
}
