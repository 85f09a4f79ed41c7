//! Who is in a conversation, as its MLS group says it: what the group context and the leaves carry.

use minicbor::{Decode, Encode};

use crate::device_list::SignedDeviceList;
use crate::{AccountId, Bin, ConversationId, ConversationKind, DeviceId};

/// MLS extension type of [`Participants`] in the group context (private use, RFC 9420 section 17.3).
///
/// The accounts of a conversation are authenticated by its group, apart from the leaves: an account stays a
/// participant while all its devices are away, and a new device of a participant is no change of membership.
/// (Compare the participant list of draft-ietf-mimi-room-policy.)
pub const PARTICIPANTS_EXTENSION: u16 = 0xF0D1;

/// What an account may do in a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum Role {
    /// Reads and writes.
    #[n(0)]
    Member,
    /// Changes the membership too.
    #[n(1)]
    Admin,
}

/// One account in a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Participant {
    /// The account.
    #[n(0)]
    pub account: AccountId,
    /// What it may do.
    #[n(1)]
    pub role: Role,
}

/// The accounts of a conversation, in the order in which they came.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Participants {
    /// What kind of conversation it is; never changes.
    #[n(0)]
    pub kind: ConversationKind,
    /// The accounts, each once.
    #[n(1)]
    pub accounts: Vec<Participant>,
    /// Who made the conversation; never changes. A group's id is bound to it.
    #[n(2)]
    pub creator: AccountId,
}

impl Participants {
    /// Whether a conversation of this id may be of this kind, with these accounts.
    ///
    /// Ids are hashes: nobody can show one conversation under the id of another, with other people in it.
    pub fn fit(&self, id: ConversationId) -> bool {
        match (self.kind, self.accounts.as_slice()) {
            (ConversationKind::SelfConversation, [own]) => {
                own.account == self.creator && id == ConversationId::of_self(own.account)
            }
            (ConversationKind::Direct, [a, b]) => {
                a.account != b.account
                    && self.contains(self.creator)
                    && id == ConversationId::of_pair(a.account, b.account)
            }
            // Its creator may have left it since.
            (ConversationKind::Group, [_, ..]) => id.is_group_of(self.creator),
            _ => false,
        }
    }

    /// Whether `account` is one of them.
    pub fn contains(&self, account: AccountId) -> bool {
        self.accounts.iter().any(|p| p.account == account)
    }
}

/// Identity in an MLS leaf's basic credential (RFC 9420 section 5.3): 16 bytes of account, 16 of device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LeafIdentity {
    /// Whose device it is.
    pub account: AccountId,
    /// The device.
    pub device: DeviceId,
}

impl LeafIdentity {
    /// The credential's 32 bytes.
    pub fn to_bytes(self) -> Vec<u8> {
        [self.account.as_bytes().as_slice(), self.device.as_bytes()].concat()
    }

    /// Reads the credential's bytes; `None` if they are not 32.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (account, device) = bytes.split_at_checked(16)?;
        Some(Self { account: AccountId::from_slice(account)?, device: DeviceId::from_slice(device)? })
    }
}

/// Body of a commit's entry: the commit and the device lists that justify it.
///
/// Whoever follows the commit can check the devices that it adds without asking anybody.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct CommitBundle {
    /// `MLSMessage` with a `PublicMessage` that holds a commit (RFC 9420 section 6).
    #[n(0)]
    pub commit: Bin,
    /// Newest lists of the accounts whose devices the commit adds or removes.
    #[n(1)]
    pub lists: Vec<SignedDeviceList>,
}
