//! A conversation's MLS group as the server sees it.

use diario_protocol::roster::{LeafIdentity, PARTICIPANTS_EXTENSION, Participants};
use diario_protocol::{
    Bin, ConversationId, ConversationKind, CreateConversation, DeviceRef, PublicKey, Refusal,
};
use openmls::prelude::group_info::VerifiableGroupInfo;
use openmls::prelude::tls_codec::{DeserializeBytes as _, Serialize as _};
use openmls::prelude::{
    BasicCredential, Ciphersuite, Credential, ExtensionType, GroupContext, MlsMessageBodyIn, MlsMessageIn,
    ProposalStore, PublicGroup, RatchetTreeIn,
};
use openmls_rust_crypto::RustCrypto;

use super::public_state::{PublicState, StateError};
use super::roster::{self, Leaf, Roster};

/// The one ciphersuite of protocol version 1; device keys are its signature keys.
pub(crate) const SUITE: Ciphersuite = Ciphersuite::MLS_128_DHKEMX25519_CHACHA20POLY1305_SHA256_Ed25519;

/// Bytes of a participants extension: 1,000 accounts take about 20 KiB.
const PARTICIPANTS_BYTES: usize = 1024 * 1024;

/// A new conversation that was checked.
#[derive(Debug, Clone)]
pub(crate) struct CheckedCreation {
    /// Its id.
    pub(crate) conversation: ConversationId,
    /// Its kind.
    pub(crate) kind: ConversationKind,
    /// Who is in it.
    pub(crate) participants: Participants,
    /// As given.
    pub(crate) group_info: Bin,
    /// As given.
    pub(crate) tree: Bin,
    /// The public group's state.
    pub(crate) public_state: Vec<u8>,
}

/// Checks a conversation that `creator` wants to make.
pub(crate) fn check_creation(
    crypto: &RustCrypto,
    wanted: CreateConversation,
    creator: &Leaf,
) -> Result<CheckedCreation, Refusal> {
    let info = read_group_info(&wanted.group_info)?;
    let tree = RatchetTreeIn::tls_deserialize_exact_bytes(&wanted.tree)
        .map_err(|_| invalid("its tree cannot be read"))?;
    if info.group_id().as_slice() != wanted.conversation.as_bytes() {
        return Err(invalid("its id is not the group's"));
    }
    if info.epoch().as_u64() != 0 {
        return Err(invalid("it does not begin with epoch 0"));
    }
    if info.ciphersuite() != SUITE {
        return Err(invalid("its ciphersuite is not taken here"));
    }
    if info.extensions().external_pub().is_none() {
        return Err(invalid("its GroupInfo lacks the key for external joins"));
    }
    let state = PublicState::default();
    let (group, _) = PublicGroup::from_external(crypto, &state, tree, info, ProposalStore::new())
        .map_err(|e| invalid(&format!("its group is not sound: {e}")))?;
    let Roster { participants, leaves } = read_roster(&group)?;
    if leaves != [*creator] {
        return Err(invalid("its one leaf is not this device"));
    }
    if participants.kind != wanted.kind {
        return Err(invalid("its kind is not the group's"));
    }
    roster::check_creation(wanted.conversation, creator.device.account, &participants)?;
    Ok(CheckedCreation {
        conversation: wanted.conversation,
        kind: wanted.kind,
        participants,
        group_info: wanted.group_info,
        tree: wanted.tree,
        public_state: state.into_bytes(),
    })
}

/// The group from what the database keeps.
pub(crate) fn load(conversation: ConversationId, state: &[u8]) -> Result<PublicGroup, StateError> {
    PublicState::from_bytes(state)?.load(conversation.as_bytes())
}

/// Reads an `MLSMessage` with a `GroupInfo`.
pub(crate) fn read_group_info(bytes: &Bin) -> Result<VerifiableGroupInfo, Refusal> {
    match MlsMessageIn::tls_deserialize_exact_bytes(bytes).map(MlsMessageIn::extract) {
        Ok(MlsMessageBodyIn::GroupInfo(info)) => Ok(info),
        _ => Err(invalid("its GroupInfo cannot be read")),
    }
}

/// Who is in a group.
pub(crate) fn read_roster(group: &PublicGroup) -> Result<Roster, Refusal> {
    let participants = read_participants(group.group_context())?;
    let leaves = group.members().map(|member| read_leaf(&member.credential, &member.signature_key));
    let leaves: Option<Vec<Leaf>> = leaves.collect();
    let leaves = leaves.ok_or_else(|| invalid("a leaf is not a device's"))?;
    Ok(Roster { participants, leaves })
}

/// Whose leaf it is; `None` if it is not a device's.
pub(crate) fn read_leaf(credential: &Credential, key: &[u8]) -> Option<Leaf> {
    let credential = BasicCredential::try_from(credential.clone()).ok()?;
    let identity = LeafIdentity::from_bytes(credential.identity())?;
    let device = DeviceRef { account: identity.account, device: identity.device };
    Some(Leaf { device, key: PublicKey::from_slice(key)? })
}

/// The participants in a group context, and that nothing stands beside them which the server does not know.
pub(crate) fn read_participants(context: &GroupContext) -> Result<Participants, Refusal> {
    let known = [ExtensionType::RequiredCapabilities, ExtensionType::Unknown(PARTICIPANTS_EXTENSION)];
    if context.extensions().iter().any(|e| !known.contains(&e.extension_type())) {
        return Err(invalid("its group has an extension that is not taken here"));
    }
    let extension = context.extensions().unknown(PARTICIPANTS_EXTENSION);
    let extension = extension.ok_or_else(|| invalid("its group does not name its participants"))?;
    diario_protocol::decode(&extension.0, PARTICIPANTS_BYTES)
        .map_err(|_| invalid("the participants cannot be read"))
}

/// The tree as it travels (RFC 9420 section 7.8).
pub(crate) fn export_tree(group: &PublicGroup) -> Result<Bin, StateError> {
    group.export_ratchet_tree().tls_serialize_detached().map(Bin).map_err(|_| StateError)
}

fn invalid(why: &str) -> Refusal {
    Refusal::Invalid(format!("a conversation is not taken because {why}"))
}
