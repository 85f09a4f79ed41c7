//! A commit against the public state of its group (RFC 9420 section 12.4).

use diario_protocol::roster::CommitBundle;
use diario_protocol::{Bin, Commit, DeviceRef, Refusal};
use openmls::prelude::tls_codec::{DeserializeBytes as _, Serialize as _};
use openmls::prelude::{
    LeafNodeIndex, MlsMessageBodyIn, MlsMessageIn, OpenMlsSignaturePublicKey, ProcessedMessageContent,
    Proposal, PublicGroup, Sender, SignaturePublicKey, Verifiable as _,
};
use openmls_rust_crypto::RustCrypto;

use super::group;
use super::public_state::PublicState;
use super::roster::{self, Leaf, Roster, RosterChange};

/// A commit that MLS and the rules of rosters accept.
///
/// That its added devices are in their lists, and that its epoch is still the newest, is yet to be checked.
#[derive(Debug)]
pub(crate) struct CheckedCommit {
    /// The group after the commit.
    pub(crate) group: PublicGroup,
    /// Its state for the database.
    pub(crate) public_state: Vec<u8>,
    /// Its tree as it travels.
    pub(crate) tree: Bin,
    /// Its members.
    pub(crate) roster: Roster,
    /// What is new in them.
    pub(crate) change: RosterChange,
    /// Devices whose leaf the commit added, for which the welcome is; a joiner's own leaf is not among them.
    pub(crate) welcomed: Vec<DeviceRef>,
}

/// Checks a commit by `sender` and applies it to `tracked`, which must be at the commit's epoch.
pub(crate) fn check(
    crypto: &RustCrypto,
    mut tracked: PublicGroup,
    commit: &Commit,
    sender: &Leaf,
    max_members: usize,
) -> Result<CheckedCommit, Refusal> {
    let bundle: CommitBundle = diario_protocol::decode(&commit.bundle, commit.bundle.len())
        .map_err(|_| refused("it cannot be read"))?;
    let message = MlsMessageIn::tls_deserialize_exact_bytes(&bundle.commit)
        .map_err(|_| refused("its message cannot be read"))?
        .try_into_protocol_message()
        .map_err(|_| refused("it is no commit"))?;
    if message.group_id().as_slice() != commit.conversation.as_bytes()
        || message.epoch().as_u64() != commit.epoch.0
    {
        return Err(refused("it is for another conversation or epoch"));
    }
    let before = group::read_roster(&tracked)?;
    let processed =
        tracked.process_message(crypto, message).map_err(|e| refused(&format!("MLS refuses it: {e}")))?;
    let external = match processed.sender() {
        Sender::Member(index) => {
            let leaf = tracked.leaf(*index).map(|leaf| leaf.signature_key().as_slice());
            if leaf != Some(sender.key.as_bytes()) || !before.leaves.contains(sender) {
                return Err(refused("it was made by another device"));
            }
            false
        }
        Sender::NewMemberCommit => true,
        Sender::External(_) | Sender::NewMemberProposal => return Err(refused("its sender is no device")),
    };
    let ProcessedMessageContent::StagedCommitMessage(staged) = processed.into_content() else {
        return Err(refused("it is no commit"));
    };
    // What the server does not understand, it could not track.
    let known = staged.queued_proposals().all(|queued| {
        matches!(
            queued.proposal(),
            Proposal::Add(_)
                | Proposal::Remove(_)
                | Proposal::GroupContextExtensions(_)
                | Proposal::ExternalInit(_)
        )
    });
    if !known {
        return Err(refused("it has a proposal that is not taken here"));
    }
    let adds = staged.add_proposals().map(|add| {
        let leaf = add.add_proposal().key_package().leaf_node();
        group::read_leaf(leaf.credential(), leaf.signature_key().as_slice())
    });
    let adds: Vec<Leaf> =
        adds.collect::<Option<_>>().ok_or_else(|| refused("an added leaf is not a device's"))?;
    let state = PublicState::default();
    tracked.merge_commit(&state, *staged).map_err(|_| refused("it cannot be merged"))?;
    let after = group::read_roster(&tracked)?;
    if external && before.participants != after.participants {
        return Err(refused("a joining device cannot change who takes part"));
    }
    let change = roster::check_change(&before, &after, &adds, sender, max_members)?;
    let welcomed: Vec<DeviceRef> = change.added.iter().map(|leaf| leaf.device).collect();
    if welcomed.is_empty() != commit.welcome.is_none() {
        return Err(refused("a welcome comes with added devices, and only then"));
    }
    if let Some(welcome) = &commit.welcome {
        check_welcome(welcome)?;
    }
    check_group_info(crypto, &tracked, &commit.group_info, sender)?;
    let tree = group::export_tree(&tracked).map_err(|_| refused("its tree cannot be written"))?;
    let public_state = state.into_bytes();
    Ok(CheckedCommit { group: tracked, public_state, tree, roster: after, change, welcomed })
}

/// Whether a message is a welcome; what is in it is sealed.
fn check_welcome(welcome: &Bin) -> Result<(), Refusal> {
    match MlsMessageIn::tls_deserialize_exact_bytes(welcome).map(MlsMessageIn::extract) {
        Ok(MlsMessageBodyIn::Welcome(_)) => Ok(()),
        _ => Err(refused("its welcome cannot be read")),
    }
}

/// Whether a `GroupInfo` is the one of the group as it is now, signed by `sender` (RFC 9420 section 12.4.3).
///
/// The server cannot check a confirmation tag by itself. That of the commit is covered by the members, who refuse
/// the commit if it is wrong; so the one in the `GroupInfo` must be the same.
fn check_group_info(
    crypto: &RustCrypto,
    group: &PublicGroup,
    bytes: &Bin,
    sender: &Leaf,
) -> Result<(), Refusal> {
    let info = group::read_group_info(bytes)?;
    if info.group_context() != group.group_context() {
        return Err(refused("its GroupInfo is not of the new epoch"));
    }
    if info.extensions().external_pub().is_none() {
        return Err(refused("its GroupInfo lacks the key for external joins"));
    }
    let mine = group.members().find(|m| m.signature_key == sender.key.as_bytes()).map(|m| m.index);
    let signer: LeafNodeIndex = mine.ok_or_else(|| refused("the committer has no leaf"))?;
    // Tag and signer are not readable in OpenMLS; they are the end of what is signed.
    let tag = group.confirmation_tag().tls_serialize_detached();
    let end = tag.map(|tag| [tag.as_slice(), &signer.u32().to_be_bytes()].concat());
    let fits = match (info.unsigned_payload(), end) {
        (Ok(payload), Ok(end)) => payload.ends_with(&end),
        _ => false,
    };
    let key = SignaturePublicKey::from(sender.key.as_bytes().as_slice());
    let key = OpenMlsSignaturePublicKey::from_signature_key(key, group::SUITE.signature_algorithm());
    if fits && info.verify_no_out(crypto, &key).is_ok() {
        Ok(())
    } else {
        Err(refused("its GroupInfo is not signed by the committer for the new epoch"))
    }
}

fn refused(why: &str) -> Refusal {
    Refusal::InvalidCommit(why.into())
}
