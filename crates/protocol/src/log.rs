//! The log of a conversation and its running hash.

use minicbor::{Decode, Encode};
use sha2::{Digest as _, Sha256};

use crate::{AccountId, Bin, ConversationId, DeviceId, Digest, EntryId, Epoch, Fixed, Seq, Timestamp};

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum EntryKind {
    /// Sealed content; the body is `COSE_Encrypt0`.
    #[n(0)]
    Application,
    /// An MLS commit that ends the entry's epoch; the body is a [`crate::roster::CommitBundle`].
    #[n(1)]
    Commit,
}

/// An entry's body, or what is left of it after erasure.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Body {
    /// The bytes as sent.
    #[n(0)]
    Present(#[n(0)] Bin),
    /// Erased for everyone; the digest of what was there keeps the running hash whole.
    #[n(1)]
    Erased(#[n(0)] Digest),
    /// No longer kept, see [`crate::Retention`].
    #[n(2)]
    Gone(#[n(0)] Digest),
}

impl Body {
    /// First 8 bytes of [`Self::digest`], as an echo carries them.
    pub fn short_digest(&self) -> Fixed<8> {
        let mut short = [0; 8];
        short.copy_from_slice(&self.digest().as_bytes()[..8]);
        Fixed(short)
    }

    /// SHA-256 of the bytes, erased or not.
    pub fn digest(&self) -> Digest {
        match self {
            Self::Present(bytes) => Digest::new(Sha256::digest(&bytes.0).into()),
            Self::Erased(digest) | Self::Gone(digest) => *digest,
        }
    }
}

/// One item of a conversation's log, as the server gives it out.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Entry {
    /// The conversation.
    #[n(0)]
    pub conversation: ConversationId,
    /// Its place, given by the server.
    #[n(1)]
    pub seq: Seq,
    /// Made by the sender; the same id again is the same entry.
    #[n(2)]
    pub id: EntryId,
    /// What it is.
    #[n(3)]
    pub kind: EntryKind,
    /// The epoch in which it was sent.
    #[n(4)]
    pub epoch: Epoch,
    /// Who sent it.
    #[n(5)]
    pub account: AccountId,
    /// The device that sent it.
    #[n(6)]
    pub device: DeviceId,
    /// The entry that this one is about (edit, reaction, deletion), in the clear so that pages can bring it.
    #[n(7)]
    pub annotates: Option<Seq>,
    /// When the server took it, by the server's clock; not authenticated.
    #[n(8)]
    pub received_at: Timestamp,
    /// The sealed content or commit.
    #[n(9)]
    pub body: Body,
}

/// What the sender of an entry decides, without what the server adds.
#[derive(Debug, Clone, Copy)]
pub struct Sending<'a> {
    /// See [`Entry::id`].
    pub id: &'a EntryId,
    /// See [`Entry::kind`].
    pub kind: EntryKind,
    /// See [`Entry::epoch`].
    pub epoch: Epoch,
    /// See [`Entry::account`].
    pub account: &'a AccountId,
    /// See [`Entry::device`].
    pub device: &'a DeviceId,
    /// See [`Entry::annotates`].
    pub annotates: Option<Seq>,
    /// SHA-256 of the body.
    pub body_digest: &'a Digest,
}

/// Running hash of a log: SHA-256 over the hash before and the digest of the entry.
///
/// Two devices that hold the same hash at the same sequence saw the same entries in the same order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
#[cbor(transparent)]
pub struct LogHash(#[n(0)] pub Digest);

impl LogHash {
    /// The hash before the first entry.
    pub fn start(conversation: &ConversationId) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"diario log v1");
        hash.update(conversation.as_bytes());
        Self(Digest::new(hash.finalize().into()))
    }

    /// The hash after one more entry.
    #[must_use]
    pub fn after(&self, entry: &Sending<'_>) -> Self {
        let mut hash = Sha256::new();
        hash.update(self.0.as_bytes());
        hash.update(entry.id.as_bytes());
        hash.update([match entry.kind {
            EntryKind::Application => 0u8,
            EntryKind::Commit => 1,
        }]);
        hash.update(entry.epoch.0.to_be_bytes());
        hash.update(entry.account.as_bytes());
        hash.update(entry.device.as_bytes());
        // Sequences begin at 1, so 0 stands for "annotates nothing".
        hash.update(entry.annotates.unwrap_or_default().0.to_be_bytes());
        hash.update(entry.body_digest.as_bytes());
        Self(Digest::new(hash.finalize().into()))
    }

    /// The hash after `entry`.
    #[must_use]
    pub fn after_entry(&self, entry: &Entry) -> Self {
        self.after(&Sending {
            id: &entry.id,
            kind: entry.kind,
            epoch: entry.epoch,
            account: &entry.account,
            device: &entry.device,
            annotates: entry.annotates,
            body_digest: &entry.body.digest(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(seq: u64, text: &[u8]) -> Entry {
        Entry {
            conversation: ConversationId::new([7; 16]),
            seq: Seq(seq),
            id: EntryId::new([u8::try_from(seq).unwrap(); 16]),
            kind: EntryKind::Application,
            epoch: Epoch(3),
            account: AccountId::new([1; 16]),
            device: DeviceId::new([2; 16]),
            annotates: None,
            received_at: Timestamp(5),
            body: Body::Present(text.into()),
        }
    }

    #[test]
    fn erasing_an_entry_keeps_the_running_hash() {
        let start = LogHash::start(&ConversationId::new([7; 16]));
        let whole = entry(1, b"hello");
        let mut erased = whole.clone();
        erased.body = Body::Erased(whole.body.digest());
        assert_eq!(start.after_entry(&whole), start.after_entry(&erased));
    }

    #[test]
    fn order_and_content_change_the_running_hash() {
        let start = LogHash::start(&ConversationId::new([7; 16]));
        let (a, b) = (entry(1, b"a"), entry(2, b"b"));
        assert_ne!(start.after_entry(&a).after_entry(&b), start.after_entry(&b).after_entry(&a));
        assert_ne!(start.after_entry(&a), start.after_entry(&entry(1, b"x")));
    }
}
