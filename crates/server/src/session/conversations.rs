//! Making conversations and ending their epochs: the checks of MLS, then the storage.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use diario_protocol::{
    AccountId, Commit, ConversationId, CreateConversation, Digest, Refusal, Reply, Timestamp,
};
use sha2::Digest as _;

use super::{Done, requests};
use crate::app::App;
use crate::rules::group::CheckedCreation;
use crate::rules::roster::Leaf;
use crate::rules::{commit as commit_rules, group, roster};
use crate::storage::{CommitBasis, NewCommit, NewConversation, NewEntry};

/// See [`diario_protocol::Request::Create`].
pub(super) async fn create(app: Arc<App>, me: Leaf, wanted: CreateConversation) -> Result<Done, Refusal> {
    let checked = app.check(move |app| group::check_creation(&app.crypto, wanted, &me)).await?;
    app.storage.create(new_conversation(checked, me, app.clock.now())).await?;
    Ok(Done::Reply(Reply::Done))
}

pub(super) fn new_conversation(checked: CheckedCreation, creator: Leaf, now: Timestamp) -> NewConversation {
    NewConversation {
        conversation: checked.conversation,
        kind: checked.kind,
        creator: creator.device,
        participants: checked.participants.accounts.iter().map(|p| p.account).collect(),
        group_info: checked.group_info,
        tree: checked.tree,
        public_state: checked.public_state,
        now,
    }
}

/// See [`diario_protocol::Request::Commit`].
///
/// The commit is checked against the group at its epoch, away from the writer; the writer then takes it only if
/// that epoch is still the newest.
pub(super) async fn commit(app: Arc<App>, me: Leaf, commit: Commit) -> Result<Done, Refusal> {
    requests::check_slots(&app, &commit.slots)?;
    super::recovery::check_seals(&app, &commit.vault)?;
    if !commit.vault.is_empty() && commit.conversation != ConversationId::of_self(me.device.account) {
        return Err(Refusal::Invalid("a vault is sealed with the self conversation's commits".into()));
    }
    let (id, epoch) = (commit.conversation, commit.epoch);
    let warm = app.groups.take(id, epoch);
    let stored = match &warm {
        Some(_) => Vec::new(),
        None => match app.storage.commit_basis(id, me.device, commit.id, epoch).await? {
            CommitBasis::Done(seq) => return Ok(Done::Reply(Reply::Appended(seq))),
            CommitBasis::State(state) => state,
        },
    };
    let members = usize::from(app.settings.max_members);
    let (commit, checked, digest) = app
        .check(move |app| {
            let tracked = match warm {
                Some(group) => group,
                None => group::load(id, &stored).map_err(|_| Refusal::StorageUnavailable)?,
            };
            let checked = commit_rules::check(&app.crypto, tracked, &commit, &me, members)?;
            let digest = Digest::new(sha2::Sha256::digest(&commit.bundle.0).into());
            Ok((commit, checked, digest))
        })
        .await?;
    let now = app.clock.now();
    check_added(&app, &checked.change, now).await?;
    let new = NewCommit {
        entry: NewEntry {
            conversation: id,
            id: commit.id,
            epoch,
            sender: me.device,
            annotates: None,
            body: commit.bundle,
            digest,
            now,
        },
        participants: checked.roster.participants.accounts.iter().map(|p| p.account).collect(),
        leaves: checked.roster.leaves.iter().map(|leaf| leaf.device).collect(),
        welcomed: checked.welcomed,
        welcome: commit.welcome,
        group_info: commit.group_info,
        tree: checked.tree,
        public_state: checked.public_state,
        slots: commit.slots,
        vault: commit.vault,
    };
    let seq = app.storage.commit(new).await?;
    app.groups.put(id, epoch.next(), checked.group);
    app.metrics.commits.fetch_add(1, Relaxed);
    Ok(Done::Reply(Reply::Appended(seq)))
}

/// Checks that added devices are in their accounts' lists, and that added accounts exist.
async fn check_added(app: &App, change: &roster::RosterChange, now: Timestamp) -> Result<(), Refusal> {
    if change.added.is_empty() && change.joined.is_empty() {
        return Ok(());
    }
    let devices = change.added.iter().map(|leaf| leaf.device).collect();
    let accounts: Vec<AccountId> = change.joined.clone();
    let (keys, exist) = app.storage.known(devices, accounts, now).await?;
    if !exist.into_iter().all(|exists| exists) {
        return Err(Refusal::NotFound("account".into()));
    }
    change.added.iter().zip(keys).try_for_each(|(leaf, listed)| roster::check_added(leaf, listed))
}
