//! A conversation's MLS group (RFC 9420): everything that the engine asks of OpenMLS.

mod commit;
#[cfg(any(test, feature = "fuzz"))]
pub(crate) mod fuzz;
mod join;
mod roster;
mod said;

use crate::crypto::provider::RustCrypto;
use diario_protocol::roster::{LeafIdentity, PARTICIPANTS_EXTENSION, Participants};
use diario_protocol::{ConversationId, Epoch, PublicKey};
use openmls::prelude::{tls_codec::Serialize as _, *};
use rusqlite::Connection;

pub(crate) use commit::{CommitSummary, OwnCommit, RosterChange, checked_key_package};
pub(crate) use join::Join;
pub(crate) use roster::Leaf;
pub use roster::RosterError;
pub(crate) use said::participants_said;

use crate::crypto::identity::KeyPair;
use crate::crypto::key::{ConversationKey, EXPORTER_LABEL};
use crate::store::mls::MlsStore;

/// The ciphersuite of new conversations: 0x0003 of RFC 9420 section 17.1.
pub(crate) const SUITE: Ciphersuite = Ciphersuite::MLS_128_DHKEMX25519_CHACHA20POLY1305_SHA256_Ed25519;

/// How long a leaf is good by its own word: always. A lifetime would be checked against the clock of whoever reads it,
/// and a device whose clock is wrong could not be added, or would lose the group at somebody else's commit. What counts
/// is the signed device list. See docs/decisions/0031-lifetimes-of-leaves.md.
fn lifetime() -> Lifetime {
    Lifetime::init(0, u64::MAX)
}

/// OpenMLS's provider over the engine's connection, for the time of one call.
pub(crate) struct Provider<'a> {
    crypto: &'a RustCrypto,
    storage: MlsStore<'a>,
}

impl<'a> Provider<'a> {
    pub(crate) fn new(crypto: &'a RustCrypto, db: &'a Connection) -> Self {
        Self { crypto, storage: MlsStore(db) }
    }
}

impl<'a> OpenMlsProvider for Provider<'a> {
    type CryptoProvider = RustCrypto;
    type RandProvider = RustCrypto;
    type StorageProvider = MlsStore<'a>;

    fn storage(&self) -> &MlsStore<'a> {
        &self.storage
    }
    fn crypto(&self) -> &RustCrypto {
        self.crypto
    }
    fn rand(&self) -> &RustCrypto {
        self.crypto
    }
}

/// Why a call to OpenMLS failed.
#[derive(Debug, thiserror::Error)]
pub enum GroupError {
    /// OpenMLS refused or could not do it.
    #[error("MLS {action}: {cause}")]
    Mls {
        /// What was tried.
        action: &'static str,
        /// OpenMLS's words.
        cause: String,
    },
    /// A welcome is for a key package that is not here (any more).
    #[error("the key package that it was made for is not here")]
    NoKeyPackage,
    /// The group's roster breaks a rule.
    #[error(transparent)]
    Roster(#[from] RosterError),
}

/// Turns OpenMLS's error, whatever its type, into ours.
pub(crate) fn failed<E: std::fmt::Display>(action: &'static str) -> impl FnOnce(E) -> GroupError {
    move |e| GroupError::Mls { action, cause: e.to_string() }
}

/// This device in its groups.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub(crate) leaf: LeafIdentity,
    pub(crate) key: KeyPair,
}

impl Member {
    fn credential(&self) -> CredentialWithKey {
        CredentialWithKey {
            credential: BasicCredential::new(self.leaf.to_bytes()).into(),
            signature_key: self.key.public().as_bytes().to_vec().into(),
        }
    }

    /// A new key package; its secrets go to the store.
    pub(crate) fn key_package(
        &self,
        provider: &Provider<'_>,
        last_resort: bool,
    ) -> Result<Vec<u8>, GroupError> {
        let mut builder =
            KeyPackage::builder().leaf_node_capabilities(capabilities()).key_package_lifetime(lifetime());
        if last_resort {
            builder = builder.mark_as_last_resort();
        }
        let bundle =
            builder.build(SUITE, provider, &self.key, self.credential()).map_err(failed("key package"))?;
        wire(&MlsMessageOut::from(bundle.into_key_package()))
    }
}

/// A conversation's group on this device.
#[derive(Debug)]
pub(crate) struct Group(MlsGroup);

impl Group {
    /// Makes a group with this device as its only leaf.
    pub(crate) fn create(
        provider: &Provider<'_>,
        me: &Member,
        conversation: ConversationId,
        participants: &Participants,
    ) -> Result<Self, GroupError> {
        let config = MlsGroupCreateConfig::builder()
            .ciphersuite(SUITE)
            .wire_format_policy(PURE_PLAINTEXT_WIRE_FORMAT_POLICY)
            .use_ratchet_tree_extension(false)
            .capabilities(capabilities())
            .lifetime(lifetime())
            .with_group_context_extensions(context_extensions(participants)?)
            .build();
        let id = GroupId::from_slice(conversation.as_bytes());
        MlsGroup::new_with_group_id(provider, &me.key, &config, id, me.credential())
            .map(Self)
            .map_err(failed("group creation"))
    }

    /// `GroupInfo` and ratchet tree, as the server keeps them for joiners.
    pub(crate) fn public_state(
        &self,
        provider: &Provider<'_>,
        me: &Member,
    ) -> Result<(Vec<u8>, Vec<u8>), GroupError> {
        Ok((self.group_info(provider, me)?, self.tree()?))
    }

    /// The stored group of a conversation, if there is one.
    pub(crate) fn load(
        provider: &Provider<'_>,
        conversation: ConversationId,
    ) -> Result<Option<Self>, GroupError> {
        let id = GroupId::from_slice(conversation.as_bytes());
        Ok(MlsGroup::load(provider.storage(), &id).map_err(failed("loading a group"))?.map(Self))
    }

    /// Forgets the group.
    pub(crate) fn delete(mut self, provider: &Provider<'_>) -> Result<(), GroupError> {
        self.0.delete(provider.storage()).map_err(failed("deleting a group"))
    }

    pub(crate) fn epoch(&self) -> Epoch {
        Epoch(self.0.epoch().as_u64())
    }

    /// Whether this device is still in it.
    pub(crate) fn is_active(&self) -> bool {
        self.0.is_active()
    }

    /// The conversation key of the present epoch.
    pub(crate) fn key(&self, crypto: &RustCrypto) -> Result<ConversationKey, GroupError> {
        let secret =
            self.0.export_secret(crypto, EXPORTER_LABEL, &[], 32).map_err(failed("exporting a key"))?;
        ConversationKey::from_slice(&secret)
            .ok_or(GroupError::Mls { action: "exporting a key", cause: "wrong length".into() })
    }

    /// Accounts of the conversation.
    pub(crate) fn participants(&self) -> Result<Participants, GroupError> {
        Ok(roster::participants(self.0.extensions())?)
    }

    /// Devices of the conversation.
    pub(crate) fn leaves(&self) -> Result<Vec<Leaf>, GroupError> {
        self.0.members().map(|m| Ok(roster::leaf(&m)?)).collect()
    }

    fn group_info(&self, provider: &Provider<'_>, me: &Member) -> Result<Vec<u8>, GroupError> {
        let info = self
            .0
            .export_group_info(provider.crypto(), &me.key, false)
            .map_err(failed("exporting GroupInfo"))?;
        wire(&info)
    }

    fn tree(&self) -> Result<Vec<u8>, GroupError> {
        self.0.export_ratchet_tree().tls_serialize_detached().map_err(failed("encoding the tree"))
    }
}

/// What every leaf of Diario's can do.
fn capabilities() -> Capabilities {
    Capabilities::builder()
        .ciphersuites(vec![SUITE])
        .extensions(vec![ExtensionType::LastResort, ExtensionType::Unknown(PARTICIPANTS_EXTENSION)])
        .build()
}

fn context_extensions(participants: &Participants) -> Result<Extensions<GroupContext>, GroupError> {
    let content = UnknownExtension(diario_protocol::encode(participants));
    let required =
        RequiredCapabilitiesExtension::new(&[ExtensionType::Unknown(PARTICIPANTS_EXTENSION)], &[], &[]);
    Extensions::from_vec(vec![
        Extension::RequiredCapabilities(required),
        Extension::Unknown(PARTICIPANTS_EXTENSION, content),
    ])
    .map_err(failed("context extensions"))
}

fn join_config() -> MlsGroupJoinConfig {
    MlsGroupJoinConfig::builder()
        .wire_format_policy(PURE_PLAINTEXT_WIRE_FORMAT_POLICY)
        .use_ratchet_tree_extension(false)
        .build()
}

fn wire(message: &MlsMessageOut) -> Result<Vec<u8>, GroupError> {
    message.tls_serialize_detached().map_err(failed("encoding a message"))
}

fn read(bytes: &[u8]) -> Result<MlsMessageIn, GroupError> {
    use openmls::prelude::tls_codec::Deserialize as _;
    MlsMessageIn::tls_deserialize_exact(bytes).map_err(failed("reading a message"))
}

/// A key of a device as MLS carries it.
fn public_key(bytes: &[u8]) -> Option<PublicKey> {
    PublicKey::from_slice(bytes)
}
