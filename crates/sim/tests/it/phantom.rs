//! A stranger's external commit, made by OpenMLS alone: Diario's own engine refuses to make it.

use anyhow::{Result, bail};
use diario_protocol::roster::{CommitBundle, LeafIdentity, PARTICIPANTS_EXTENSION, Participants};
use diario_protocol::{AccountId, Bin, ConversationId, DeviceId, Epoch, GroupState, PublicKey};
use openmls::prelude::tls_codec::{Deserialize as _, Serialize as _};
use openmls::prelude::*;
use openmls_basic_credential::SignatureKeyPair;
use openmls_rust_crypto::OpenMlsRustCrypto;

/// A commit that MLS accepts: it brings a device into the group that nobody there has ever heard of.
pub(crate) fn commit_of_a_stranger(state: &GroupState) -> Result<(AccountId, DeviceId, Bin)> {
    let provider = OpenMlsRustCrypto::default();
    let key = SignatureKeyPair::new(SignatureScheme::ED25519)?;
    let public = PublicKey::from_slice(key.public()).unwrap();
    let identity = LeafIdentity { account: AccountId::of_key(&public), device: DeviceId::of_key(&public) };
    let credential = CredentialWithKey {
        credential: BasicCredential::new(identity.to_bytes()).into(),
        signature_key: key.public().into(),
    };
    let MlsMessageBodyIn::GroupInfo(info) = MlsMessageIn::tls_deserialize_exact(&state.group_info)?.extract()
    else {
        bail!("not a GroupInfo");
    };
    let capabilities =
        Capabilities::builder().extensions(vec![ExtensionType::Unknown(PARTICIPANTS_EXTENSION)]).build();
    let config = MlsGroupJoinConfig::builder().wire_format_policy(PURE_PLAINTEXT_WIRE_FORMAT_POLICY).build();
    let (_, commit) = MlsGroup::external_commit_builder()
        .with_ratchet_tree(RatchetTreeIn::tls_deserialize_exact(&state.tree)?)
        .with_config(config)
        .build_group(&provider, info, credential)?
        .leaf_node_parameters(LeafNodeParameters::builder().with_capabilities(capabilities).build())
        .load_psks(provider.storage())?
        .build(provider.rand(), provider.crypto(), &key, |_| true)?
        .finalize(&provider)?;
    let bundle =
        CommitBundle { commit: Bin(commit.into_commit().tls_serialize_detached()?), lists: Vec::new() };
    Ok((identity.account, identity.device, Bin(diario_protocol::encode(&bundle))))
}

/// The state of a group that the server made up under a conversation's id, with one leaf of its own.
pub(crate) fn forged_group(conversation: ConversationId, participants: &Participants) -> Result<GroupState> {
    let provider = OpenMlsRustCrypto::default();
    let key = SignatureKeyPair::new(SignatureScheme::ED25519)?;
    let public = PublicKey::from_slice(key.public()).unwrap();
    // It claims to be a device of the account's.
    let identity = LeafIdentity { account: participants.creator, device: DeviceId::of_key(&public) };
    let credential = CredentialWithKey {
        credential: BasicCredential::new(identity.to_bytes()).into(),
        signature_key: key.public().into(),
    };
    let required =
        RequiredCapabilitiesExtension::new(&[ExtensionType::Unknown(PARTICIPANTS_EXTENSION)], &[], &[]);
    let content = UnknownExtension(diario_protocol::encode(participants));
    let context = Extensions::from_vec(vec![
        Extension::RequiredCapabilities(required),
        Extension::Unknown(PARTICIPANTS_EXTENSION, content),
    ])?;
    let config = MlsGroupCreateConfig::builder()
        .ciphersuite(Ciphersuite::MLS_128_DHKEMX25519_CHACHA20POLY1305_SHA256_Ed25519)
        .wire_format_policy(PURE_PLAINTEXT_WIRE_FORMAT_POLICY)
        .capabilities(
            Capabilities::builder().extensions(vec![ExtensionType::Unknown(PARTICIPANTS_EXTENSION)]).build(),
        )
        .with_group_context_extensions(context)
        .build();
    let id = GroupId::from_slice(conversation.as_bytes());
    let group = MlsGroup::new_with_group_id(&provider, &key, &config, id, credential)?;
    let info = group.export_group_info(provider.crypto(), &key, false)?;
    Ok(GroupState {
        conversation,
        epoch: Epoch(0),
        group_info: Bin(info.tls_serialize_detached()?),
        tree: Bin(group.export_ratchet_tree().tls_serialize_detached()?),
    })
}
