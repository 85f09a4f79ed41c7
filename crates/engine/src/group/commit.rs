//! Commits: making them, and taking those of others.

use crate::crypto::provider::RustCrypto;
use diario_protocol::roster::{LeafIdentity, Participants};
use diario_protocol::{AccountId, PublicKey};
use openmls::prelude::*;

use super::roster::{self, ListedKey, RosterError};
use super::{Group, GroupError, Member, Provider, context_extensions, failed, read, wire};
use crate::crypto::key::{ConversationKey, EXPORTER_LABEL};

/// What a commit is to change; nothing at all turns the epoch.
#[derive(Debug, Default)]
pub(crate) struct RosterChange {
    pub(crate) adds: Vec<KeyPackage>,
    pub(crate) removes: Vec<LeafNodeIndex>,
    pub(crate) participants: Option<Participants>,
}

/// A commit of this device's, staged in the store until the log shows it.
pub(crate) struct OwnCommit {
    pub(crate) commit: Vec<u8>,
    pub(crate) welcome: Option<Vec<u8>>,
    pub(crate) group_info: Vec<u8>,
    /// Key of the epoch that it begins.
    pub(crate) key: ConversationKey,
}

/// What a commit did, for the people in the conversation.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct CommitSummary {
    pub(crate) joined: Vec<AccountId>,
    pub(crate) left: Vec<AccountId>,
}

/// Reads a key package from the wire and checks it against the device that it must be of.
pub(crate) fn checked_key_package(
    crypto: &RustCrypto,
    bytes: &[u8],
    expected: LeafIdentity,
    key: PublicKey,
) -> Result<KeyPackage, GroupError> {
    let MlsMessageBodyIn::KeyPackage(package) = read(bytes)?.extract() else {
        return Err(GroupError::Mls { action: "key package", cause: "another kind of message".into() });
    };
    let package = package.validate(crypto, ProtocolVersion::Mls10).map_err(failed("key package"))?;
    if roster::leaf_of_node(package.leaf_node())? != (expected, key) {
        let LeafIdentity { account, device } = expected;
        return Err(RosterError::PhantomDevice { account, device }.into());
    }
    Ok(package)
}

impl Group {
    /// Stages a commit; [`Self::merge_own`] or [`Self::drop_own`] ends it.
    pub(crate) fn commit(
        &mut self,
        provider: &Provider<'_>,
        me: &Member,
        change: RosterChange,
    ) -> Result<OwnCommit, GroupError> {
        let refresh = change.adds.is_empty() && change.removes.is_empty() && change.participants.is_none();
        let mut builder = self
            .0
            .commit_builder()
            .consume_proposal_store(false)
            .propose_adds(change.adds)
            .propose_removals(change.removes)
            .force_self_update(refresh);
        if let Some(participants) = &change.participants {
            builder = builder
                .propose_group_context_extensions(context_extensions(participants)?)
                .map_err(failed("proposing participants"))?;
        }
        let bundle = builder
            .load_psks(provider.storage())
            .map_err(failed("commit"))?
            .create_group_info(true)
            .build(provider.rand(), provider.crypto(), &me.key, |_| true)
            .map_err(failed("commit"))?
            .stage_commit(provider)
            .map_err(failed("commit"))?;
        let (commit, welcome, info) = bundle.into_messages();
        let info = info.ok_or(GroupError::Mls { action: "commit", cause: "no GroupInfo".into() })?;
        Ok(OwnCommit {
            commit: wire(&commit)?,
            welcome: welcome.as_ref().map(wire).transpose()?,
            group_info: wire(&info)?,
            key: self.pending_key(provider.crypto())?,
        })
    }

    fn pending_key(&self, crypto: &RustCrypto) -> Result<ConversationKey, GroupError> {
        let missing = || GroupError::Mls { action: "commit", cause: "no pending commit".into() };
        let staged = self.0.pending_commit().ok_or_else(missing)?;
        let secret =
            staged.export_secret(crypto, EXPORTER_LABEL, &[], 32).map_err(failed("exporting a key"))?;
        ConversationKey::from_slice(&secret).ok_or_else(missing)
    }

    /// The log shows this device's staged commit: the new epoch begins.
    pub(crate) fn merge_own(&mut self, provider: &Provider<'_>) -> Result<CommitSummary, GroupError> {
        let before = self.participants()?;
        self.0.merge_pending_commit(provider).map_err(failed("merging"))?;
        Ok(summary(&before, &self.participants()?))
    }

    /// Somebody else's commit was first: forget the staged one.
    pub(crate) fn drop_own(&mut self, provider: &Provider<'_>) -> Result<(), GroupError> {
        self.0.clear_pending_commit(provider.storage()).map_err(failed("dropping a commit"))
    }

    /// Takes another device's commit, having checked it by MLS and by the rules of rosters.
    pub(crate) fn take(
        &mut self,
        provider: &Provider<'_>,
        commit: &[u8],
        sender: LeafIdentity,
        listed: ListedKey<'_>,
    ) -> Result<CommitSummary, GroupError> {
        let message = read(commit)?.try_into_protocol_message().map_err(failed("reading a commit"))?;
        let processed = self.0.process_message(provider, message).map_err(failed("processing a commit"))?;
        let from = processed.sender().clone();
        let ProcessedMessageContent::StagedCommitMessage(staged) = processed.into_content() else {
            return Err(GroupError::Mls { action: "processing a commit", cause: "not a commit".into() });
        };
        let before = self.participants()?;
        let after = self.check(&staged, &from, sender, &before, listed)?;
        self.0.merge_staged_commit(provider, *staged).map_err(failed("merging"))?;
        Ok(summary(&before, &after))
    }

    fn check(
        &self,
        staged: &StagedCommit,
        from: &Sender,
        sender: LeafIdentity,
        before: &Participants,
        listed: ListedKey<'_>,
    ) -> Result<Participants, RosterError> {
        let after = roster::participants(staged.group_context().extensions())?;
        roster::check_participants(before, &after)?;
        if staged.update_proposals().next().is_some() || staged.psk_proposals().next().is_some() {
            return Err(RosterError::UnexpectedProposal);
        }
        let path = staged.update_path_leaf_node().map(roster::leaf_of_node).transpose()?;
        match from {
            Sender::Member(index) => {
                let member = self.0.member_at(*index).ok_or(RosterError::WrongSender)?;
                let leaf = roster::leaf(&member)?;
                if leaf.identity != sender || path.is_some_and(|p| p != (leaf.identity, leaf.key)) {
                    return Err(RosterError::WrongSender);
                }
            }
            Sender::NewMemberCommit => {
                let (identity, key) = path.ok_or(RosterError::WrongSender)?;
                if identity != sender {
                    return Err(RosterError::WrongSender);
                }
                roster::check_leaf(&after, identity, key, listed)?;
                // Joining from outside may drop the joiner's own old leaf, and nobody else's.
                for removal in staged.remove_proposals() {
                    let removed = self.0.member_at(removal.remove_proposal().removed());
                    let removed = removed.as_ref().map(roster::leaf).transpose()?;
                    if removed.is_none_or(|leaf| leaf.identity != sender) {
                        return Err(RosterError::UnexpectedProposal);
                    }
                }
            }
            _ => return Err(RosterError::WrongSender),
        }
        for add in staged.add_proposals() {
            let (identity, key) = roster::leaf_of_node(add.add_proposal().key_package().leaf_node())?;
            roster::check_leaf(&after, identity, key, listed)?;
        }
        Ok(after)
    }
}

fn summary(before: &Participants, after: &Participants) -> CommitSummary {
    let accounts = |p: &Participants| p.accounts.iter().map(|a| a.account).collect::<Vec<_>>();
    CommitSummary {
        joined: accounts(after).into_iter().filter(|a| !before.contains(*a)).collect(),
        left: accounts(before).into_iter().filter(|a| !after.contains(*a)).collect(),
    }
}
