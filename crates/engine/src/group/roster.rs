//! Who may be in a group: the leaves against the participants and the signed device lists.

use diario_protocol::roster::{LeafIdentity, PARTICIPANTS_EXTENSION, Participants};
use diario_protocol::{AccountId, ConversationKind, DeviceId, PublicKey};
use openmls::prelude::{Credential, Extensions, GroupContext, LeafNode, LeafNodeIndex, Member as MlsMember};

/// One device in a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Leaf {
    pub(crate) index: LeafNodeIndex,
    pub(crate) identity: LeafIdentity,
    pub(crate) key: PublicKey,
}

/// A roster that must not be: somebody tries to get in, or an account to be taken over.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RosterError {
    /// A leaf whose credential is not one of Diario's.
    #[error("a device with a credential that is not Diario's is in the group")]
    BadCredential,
    /// The group says nothing readable about its participants.
    #[error("the group does not say who takes part in it")]
    NoParticipants,
    /// A device that its account never signed for.
    #[error("device {device} is not one that account {account} has signed for")]
    PhantomDevice {
        /// The account that it claims.
        account: AccountId,
        /// The device.
        device: DeviceId,
    },
    /// A device of an account that is no participant.
    #[error("account {0} is in the group without being a participant")]
    PhantomMember(AccountId),
    /// The group says that it is another conversation, or its participants are not those that its id names.
    #[error("the group under this id is not the conversation that it should be")]
    OtherConversation,
    /// The kind, or the members of a conversation whose members are fixed, would change.
    #[error("the participants of this conversation cannot change like that")]
    FixedParticipants,
    /// The commit's sender is not who the entry says, or changed its own key.
    #[error("the commit's sender is not who it says")]
    WrongSender,
    /// A proposal that Diario's groups do not use.
    #[error("the commit holds a proposal that is not used here")]
    UnexpectedProposal,
}

/// Looks a device's key up in its account's newest signed list.
pub(crate) type ListedKey<'a> = &'a dyn Fn(AccountId, DeviceId) -> Option<PublicKey>;

pub(super) fn leaf(member: &MlsMember) -> Result<Leaf, RosterError> {
    Ok(Leaf {
        index: member.index,
        identity: identity(&member.credential)?,
        key: super::public_key(&member.signature_key).ok_or(RosterError::BadCredential)?,
    })
}

pub(super) fn leaf_of_node(node: &LeafNode) -> Result<(LeafIdentity, PublicKey), RosterError> {
    let key = super::public_key(node.signature_key().as_slice()).ok_or(RosterError::BadCredential)?;
    Ok((identity(node.credential())?, key))
}

fn identity(credential: &Credential) -> Result<LeafIdentity, RosterError> {
    LeafIdentity::from_bytes(credential.serialized_content()).ok_or(RosterError::BadCredential)
}

pub(super) fn participants(extensions: &Extensions<GroupContext>) -> Result<Participants, RosterError> {
    let content = extensions.unknown(PARTICIPANTS_EXTENSION).ok_or(RosterError::NoParticipants)?;
    diario_protocol::decode(&content.0, content.0.len()).map_err(|_| RosterError::NoParticipants)
}

/// A device may be in the group: its account takes part, and has signed for exactly this key.
pub(super) fn check_leaf(
    participants: &Participants,
    identity: LeafIdentity,
    key: PublicKey,
    listed: ListedKey<'_>,
) -> Result<(), RosterError> {
    let LeafIdentity { account, device } = identity;
    if !participants.contains(account) {
        return Err(RosterError::PhantomMember(account));
    }
    if listed(account, device) != Some(key) {
        return Err(RosterError::PhantomDevice { account, device });
    }
    Ok(())
}

/// The kind never changes, and only groups change their members. The last one may leave: nobody is in it then.
pub(super) fn check_participants(before: &Participants, after: &Participants) -> Result<(), RosterError> {
    let fixed = before.kind != ConversationKind::Group && before.accounts != after.accounts;
    let same = before.kind == after.kind && before.creator == after.creator;
    if !same || fixed {
        return Err(RosterError::FixedParticipants);
    }
    Ok(())
}
