//! OpenMLS's storage over one table of the device's own connection.
//!
//! It never opens a transaction: whatever OpenMLS writes is inside the engine's transaction for the input
//! at hand, together with messages and cursor. All of OpenMLS's generics end in this file.

use openmls_traits::storage::{CURRENT_VERSION as V, StorageProvider, traits};
use rusqlite::{Connection, OptionalExtension, params};
use serde::{Serialize, de::DeserializeOwned};

/// What went wrong below OpenMLS.
#[derive(Debug, thiserror::Error)]
pub enum MlsStoreError {
    /// SQLite failed.
    #[error("local store: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// A value did not encode or decode.
    #[error("local store: MLS state cannot be read: {0}")]
    Codec(String),
}

type Result<T> = std::result::Result<T, MlsStoreError>;

/// The table; part of the store's schema. `sub` tells values of one list apart.
pub(crate) const SCHEMA: &str = "
CREATE TABLE mls(
  kind INTEGER NOT NULL,
  key BLOB NOT NULL,
  sub BLOB NOT NULL,
  value BLOB NOT NULL,
  PRIMARY KEY(kind, key, sub)
) STRICT, WITHOUT ROWID;";

/// Numbers on disk: never reuse one.
#[derive(Clone, Copy)]
#[repr(u8)]
enum Kind {
    JoinConfig = 1,
    OwnLeaf = 2,
    Proposal = 3,
    Tree = 4,
    InterimTranscriptHash = 5,
    Context = 6,
    ConfirmationTag = 7,
    GroupState = 8,
    MessageSecrets = 9,
    ResumptionPsk = 10,
    OwnLeafIndex = 11,
    EpochSecrets = 12,
    SignatureKey = 13,
    EncryptionKey = 14,
    EpochKeys = 15,
    KeyPackage = 16,
    Psk = 17,
}

/// MLS state on a borrowed connection.
pub(crate) struct MlsStore<'c>(pub(crate) &'c Connection);

fn to_bytes<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>> {
    minicbor_serde::to_vec(value).map_err(|e| MlsStoreError::Codec(e.to_string()))
}

fn from_bytes<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    minicbor_serde::from_slice(bytes).map_err(|e| MlsStoreError::Codec(e.to_string()))
}

/// Drops everything of a group that cannot be read any more; secrets that are not found by its id stay unused.
pub(crate) fn forget_group(db: &Connection, conversation: diario_protocol::ConversationId) -> Result<()> {
    let id = openmls::group::GroupId::from_slice(conversation.as_bytes());
    db.prepare_cached("DELETE FROM mls WHERE key = ?1")?.execute([to_bytes(&id)?])?;
    Ok(())
}

impl MlsStore<'_> {
    fn put_at<K: Serialize, T: Serialize + ?Sized>(
        &self,
        kind: Kind,
        key: &K,
        sub: &[u8],
        value: &T,
    ) -> Result<()> {
        self.0
            .prepare_cached("INSERT OR REPLACE INTO mls(kind, key, sub, value) VALUES(?1, ?2, ?3, ?4)")?
            .execute(params![kind as u8, to_bytes(key)?, sub, to_bytes(value)?])?;
        Ok(())
    }

    fn put<K: Serialize, T: Serialize + ?Sized>(&self, kind: Kind, key: &K, value: &T) -> Result<()> {
        self.put_at(kind, key, &[], value)
    }

    fn read<K: Serialize, T: DeserializeOwned>(&self, kind: Kind, key: &K) -> Result<Option<T>> {
        let value: Option<Vec<u8>> = self
            .0
            .prepare_cached("SELECT value FROM mls WHERE kind = ?1 AND key = ?2 AND sub = x''")?
            .query_row(params![kind as u8, to_bytes(key)?], |row| row.get(0))
            .optional()?;
        value.map(|v| from_bytes(&v)).transpose()
    }

    fn list<K: Serialize>(&self, kind: Kind, key: &K) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
        let mut statement =
            self.0.prepare_cached("SELECT sub, value FROM mls WHERE kind = ?1 AND key = ?2 ORDER BY sub")?;
        let rows =
            statement.query_map(params![kind as u8, to_bytes(key)?], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    fn forget<K: Serialize>(&self, kind: Kind, key: &K) -> Result<()> {
        self.0
            .prepare_cached("DELETE FROM mls WHERE kind = ?1 AND key = ?2")?
            .execute(params![kind as u8, to_bytes(key)?])?;
        Ok(())
    }
}

macro_rules! writes {
    ($($method:ident($key:ident, $value:ident) => $kind:ident;)*) => {$(
        fn $method<K: traits::$key<V>, T: traits::$value<V>>(&self, key: &K, value: &T) -> Result<()> {
            self.put(Kind::$kind, key, value)
        }
    )*};
}

// The same for the one method whose type parameters come in the other order: rustc matches them by place.
macro_rules! writes_value_first {
    ($($method:ident($key:ident, $value:ident) => $kind:ident;)*) => {$(
        fn $method<T: traits::$value<V>, K: traits::$key<V>>(&self, key: &K, value: &T) -> Result<()> {
            self.put(Kind::$kind, key, value)
        }
    )*};
}

macro_rules! reads {
    ($($method:ident($key:ident) -> $value:ident => $kind:ident;)*) => {$(
        fn $method<K: traits::$key<V>, T: traits::$value<V>>(&self, key: &K) -> Result<Option<T>> {
            self.read(Kind::$kind, key)
        }
    )*};
}

macro_rules! reads_value_first {
    ($($method:ident($key:ident) -> $value:ident => $kind:ident;)*) => {$(
        fn $method<T: traits::$value<V>, K: traits::$key<V>>(&self, key: &K) -> Result<Option<T>> {
            self.read(Kind::$kind, key)
        }
    )*};
}

macro_rules! deletes {
    ($($method:ident($key:ident) => $kind:ident;)*) => {$(
        fn $method<K: traits::$key<V>>(&self, key: &K) -> Result<()> {
            self.forget(Kind::$kind, key)
        }
    )*};
}

impl StorageProvider<V> for MlsStore<'_> {
    type Error = MlsStoreError;

    writes! {
        write_mls_join_config(GroupId, MlsGroupJoinConfig) => JoinConfig;
        write_tree(GroupId, TreeSync) => Tree;
        write_interim_transcript_hash(GroupId, InterimTranscriptHash) => InterimTranscriptHash;
        write_context(GroupId, GroupContext) => Context;
        write_confirmation_tag(GroupId, ConfirmationTag) => ConfirmationTag;
        write_message_secrets(GroupId, MessageSecrets) => MessageSecrets;
        write_resumption_psk_store(GroupId, ResumptionPskStore) => ResumptionPsk;
        write_own_leaf_index(GroupId, LeafNodeIndex) => OwnLeafIndex;
        write_group_epoch_secrets(GroupId, GroupEpochSecrets) => EpochSecrets;
        write_signature_key_pair(SignaturePublicKey, SignatureKeyPair) => SignatureKey;
        write_encryption_key_pair(EncryptionKey, HpkeKeyPair) => EncryptionKey;
        write_key_package(HashReference, KeyPackage) => KeyPackage;
        write_psk(PskId, PskBundle) => Psk;
    }
    writes_value_first! {
        write_group_state(GroupId, GroupState) => GroupState;
    }
    reads! {
        mls_group_join_config(GroupId) -> MlsGroupJoinConfig => JoinConfig;
        tree(GroupId) -> TreeSync => Tree;
        group_context(GroupId) -> GroupContext => Context;
        interim_transcript_hash(GroupId) -> InterimTranscriptHash => InterimTranscriptHash;
        confirmation_tag(GroupId) -> ConfirmationTag => ConfirmationTag;
        message_secrets(GroupId) -> MessageSecrets => MessageSecrets;
        resumption_psk_store(GroupId) -> ResumptionPskStore => ResumptionPsk;
        own_leaf_index(GroupId) -> LeafNodeIndex => OwnLeafIndex;
        group_epoch_secrets(GroupId) -> GroupEpochSecrets => EpochSecrets;
        signature_key_pair(SignaturePublicKey) -> SignatureKeyPair => SignatureKey;
        key_package(HashReference) -> KeyPackage => KeyPackage;
    }
    reads_value_first! {
        group_state(GroupId) -> GroupState => GroupState;
        encryption_key_pair(EncryptionKey) -> HpkeKeyPair => EncryptionKey;
        psk(PskId) -> PskBundle => Psk;
    }
    deletes! {
        delete_own_leaf_nodes(GroupId) => OwnLeaf;
        delete_group_config(GroupId) => JoinConfig;
        delete_tree(GroupId) => Tree;
        delete_confirmation_tag(GroupId) => ConfirmationTag;
        delete_group_state(GroupId) => GroupState;
        delete_context(GroupId) => Context;
        delete_interim_transcript_hash(GroupId) => InterimTranscriptHash;
        delete_message_secrets(GroupId) => MessageSecrets;
        delete_all_resumption_psk_secrets(GroupId) => ResumptionPsk;
        delete_own_leaf_index(GroupId) => OwnLeafIndex;
        delete_group_epoch_secrets(GroupId) => EpochSecrets;
        delete_signature_key_pair(SignaturePublicKey) => SignatureKey;
        delete_encryption_key_pair(EncryptionKey) => EncryptionKey;
        delete_key_package(HashReference) => KeyPackage;
        delete_psk(PskId) => Psk;
    }

    fn append_own_leaf_node<G: traits::GroupId<V>, L: traits::LeafNode<V>>(
        &self,
        group: &G,
        leaf: &L,
    ) -> Result<()> {
        let place = u32::try_from(self.list(Kind::OwnLeaf, group)?.len()).unwrap_or(u32::MAX);
        self.put_at(Kind::OwnLeaf, group, &place.to_be_bytes(), leaf)
    }

    fn own_leaf_nodes<G: traits::GroupId<V>, L: traits::LeafNode<V>>(&self, group: &G) -> Result<Vec<L>> {
        self.list(Kind::OwnLeaf, group)?.iter().map(|(_, value)| from_bytes(value)).collect()
    }

    fn queue_proposal<G: traits::GroupId<V>, R: traits::ProposalRef<V>, P: traits::QueuedProposal<V>>(
        &self,
        group: &G,
        reference: &R,
        proposal: &P,
    ) -> Result<()> {
        self.put_at(Kind::Proposal, group, &to_bytes(reference)?, proposal)
    }

    fn queued_proposal_refs<G: traits::GroupId<V>, R: traits::ProposalRef<V>>(
        &self,
        group: &G,
    ) -> Result<Vec<R>> {
        self.list(Kind::Proposal, group)?.iter().map(|(sub, _)| from_bytes(sub)).collect()
    }

    fn queued_proposals<G: traits::GroupId<V>, R: traits::ProposalRef<V>, P: traits::QueuedProposal<V>>(
        &self,
        group: &G,
    ) -> Result<Vec<(R, P)>> {
        let rows = self.list(Kind::Proposal, group)?;
        rows.iter().map(|(sub, value)| Ok((from_bytes(sub)?, from_bytes(value)?))).collect()
    }

    fn remove_proposal<G: traits::GroupId<V>, R: traits::ProposalRef<V>>(
        &self,
        group: &G,
        reference: &R,
    ) -> Result<()> {
        self.0
            .prepare_cached("DELETE FROM mls WHERE kind = ?1 AND key = ?2 AND sub = ?3")?
            .execute(params![Kind::Proposal as u8, to_bytes(group)?, to_bytes(reference)?])?;
        Ok(())
    }

    fn clear_proposal_queue<G: traits::GroupId<V>, R: traits::ProposalRef<V>>(
        &self,
        group: &G,
    ) -> Result<()> {
        self.forget(Kind::Proposal, group)
    }

    fn write_encryption_epoch_key_pairs<
        G: traits::GroupId<V>,
        E: traits::EpochKey<V>,
        H: traits::HpkeKeyPair<V>,
    >(
        &self,
        group: &G,
        epoch: &E,
        leaf: u32,
        keys: &[H],
    ) -> Result<()> {
        self.put(Kind::EpochKeys, &(group, epoch, leaf), keys)
    }

    fn encryption_epoch_key_pairs<
        G: traits::GroupId<V>,
        E: traits::EpochKey<V>,
        H: traits::HpkeKeyPair<V>,
    >(
        &self,
        group: &G,
        epoch: &E,
        leaf: u32,
    ) -> Result<Vec<H>> {
        Ok(self.read(Kind::EpochKeys, &(group, epoch, leaf))?.unwrap_or_default())
    }

    fn delete_encryption_epoch_key_pairs<G: traits::GroupId<V>, E: traits::EpochKey<V>>(
        &self,
        group: &G,
        epoch: &E,
        leaf: u32,
    ) -> Result<()> {
        self.forget(Kind::EpochKeys, &(group, epoch, leaf))
    }
}
