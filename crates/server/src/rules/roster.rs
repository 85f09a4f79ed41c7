//! Who may be in a conversation, and how that may change.

use std::collections::BTreeSet;

use diario_protocol::roster::{Participants, Role};
use diario_protocol::{AccountId, ConversationId, ConversationKind, DeviceRef, PublicKey, Refusal};

/// One leaf of a group: a device and the key that it signs with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Leaf {
    /// Whose leaf.
    pub(crate) device: DeviceRef,
    /// Its signature key.
    pub(crate) key: PublicKey,
}

/// A group's membership at one epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Roster {
    /// As the group context says.
    pub(crate) participants: Participants,
    /// As the tree says.
    pub(crate) leaves: Vec<Leaf>,
}

/// What a commit changes in a roster.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct RosterChange {
    /// Accounts newly in.
    pub(crate) joined: Vec<AccountId>,
    /// Accounts no longer in.
    pub(crate) left: Vec<AccountId>,
    /// Leaves that it adds, even for a device that had one before.
    pub(crate) added: Vec<Leaf>,
}

/// Whether a conversation of that kind and id may begin with those participants.
pub(crate) fn check_creation(
    id: ConversationId,
    creator: AccountId,
    participants: &Participants,
) -> Result<(), Refusal> {
    // A group begins with its creator alone; the others come by the first commit.
    let alone = participants.kind != ConversationKind::Group || participants.accounts.len() == 1;
    let good =
        participants.creator == creator && participants.contains(creator) && alone && participants.fit(id);
    if good { Ok(()) } else { Err(invalid("its participants do not fit its kind and id")) }
}

/// Whether `sender` may lead from roster `before` to `after` by adding the leaves `adds`, and what that changes.
///
/// Whether added devices are in their accounts' lists is checked by [`check_added`] apart, because it needs the
/// lists.
pub(crate) fn check_change(
    before: &Roster,
    after: &Roster,
    adds: &[Leaf],
    sender: &Leaf,
    max_members: usize,
) -> Result<RosterChange, Refusal> {
    let accounts = |roster: &Roster| -> BTreeSet<AccountId> {
        roster.participants.accounts.iter().map(|p| p.account).collect()
    };
    let (old, new) = (accounts(before), accounts(after));
    if !old.contains(&sender.device.account) {
        return Err(Refusal::NotMember);
    }
    if before.participants.kind != after.participants.kind
        || before.participants.creator != after.participants.creator
    {
        return Err(refused("a conversation's kind never changes"));
    }
    if new.len() != after.participants.accounts.len() {
        return Err(refused("an account is named twice"));
    }
    if before.participants.accounts != after.participants.accounts {
        may_change_participants(before, sender.device.account)?;
        if after.participants.accounts.len() > max_members {
            return Err(Refusal::TooMany("members".into(), max_members as u64));
        }
    }
    let kept: BTreeSet<&Leaf> = before.leaves.iter().collect();
    let put: BTreeSet<&Leaf> = adds.iter().collect();
    for leaf in &after.leaves {
        let account = leaf.device.account;
        if leaf.device == sender.device {
            if leaf.key != sender.key {
                return Err(refused("the committer's leaf does not carry its device key"));
            }
            // A device cannot remove its own leaf (RFC 9420 section 12.2): leaving leaves it behind.
            continue;
        }
        if old.contains(&account) && !new.contains(&account) {
            return Err(refused("a device stays whose account is taken out"));
        }
        if put.contains(leaf) {
            if !new.contains(&account) {
                return Err(refused("a device is added whose account is no participant"));
            }
        } else if !kept.contains(leaf) {
            return Err(refused("a leaf has changed that is not the committer's"));
        }
    }
    let distinct: BTreeSet<DeviceRef> = after.leaves.iter().map(|l| l.device).collect();
    if distinct.len() != after.leaves.len() {
        return Err(refused("a device has two leaves"));
    }
    if !distinct.contains(&sender.device) {
        return Err(refused("the committer has no leaf"));
    }
    Ok(RosterChange {
        joined: new.difference(&old).copied().collect(),
        left: old.difference(&new).copied().collect(),
        added: adds.to_vec(),
    })
}

/// Whether an account may add and remove accounts.
///
/// Any participant of a group, for now; [`Role`]s are carried so that they can be enforced later.
fn may_change_participants(before: &Roster, account: AccountId) -> Result<(), Refusal> {
    if before.participants.kind != ConversationKind::Group {
        return Err(refused("who is in this conversation never changes"));
    }
    let role = before.participants.accounts.iter().find(|p| p.account == account).map(|p| p.role);
    match role {
        Some(Role::Member | Role::Admin) => Ok(()),
        None => Err(Refusal::NotMember),
    }
}

/// Whether an added device is good: `listed` is its key in its account's newest list, if it is valid now.
pub(crate) fn check_added(leaf: &Leaf, listed: Option<PublicKey>) -> Result<(), Refusal> {
    match listed {
        // The lists have moved on since the commit was made: look again, then commit again.
        None => Err(Refusal::RosterStale),
        Some(key) if key != leaf.key => Err(refused("an added device has another key than its list says")),
        Some(_) => Ok(()),
    }
}

fn refused(why: &str) -> Refusal {
    Refusal::InvalidCommit(why.into())
}

fn invalid(why: &str) -> Refusal {
    Refusal::Invalid(why.into())
}

#[cfg(test)]
mod tests {
    use diario_protocol::DeviceId;
    use diario_protocol::roster::Participant;

    use super::*;

    fn account(n: u8) -> AccountId {
        AccountId::new([n; 16])
    }

    fn leaf(account: u8, device: u8) -> Leaf {
        let device_ref = DeviceRef { account: self::account(account), device: DeviceId::new([device; 16]) };
        Leaf { device: device_ref, key: PublicKey::new([device; 32]) }
    }

    fn roster(kind: ConversationKind, accounts: &[u8], leaves: &[(u8, u8)]) -> Roster {
        let creator = account(1);
        let accounts = accounts.iter().map(|n| Participant { account: account(*n), role: Role::Member });
        Roster {
            participants: Participants { kind, accounts: accounts.collect(), creator },
            leaves: leaves.iter().map(|(a, d)| leaf(*a, *d)).collect(),
        }
    }

    fn group(accounts: &[u8], leaves: &[(u8, u8)]) -> Roster {
        roster(ConversationKind::Group, accounts, leaves)
    }

    fn change(before: &Roster, after: &Roster, sender: (u8, u8)) -> Result<RosterChange, Refusal> {
        let adds: Vec<Leaf> = after.leaves.iter().filter(|l| !before.leaves.contains(l)).copied().collect();
        check_change(before, after, &adds, &leaf(sender.0, sender.1), 3)
    }

    #[test]
    fn a_leaf_that_is_put_in_anothers_place_counts_as_added() {
        let before = group(&[1, 2], &[(1, 1), (2, 2)]);
        let mut after = before.clone();
        after.leaves[1].key = PublicKey::new([9; 32]);
        let found = change(&before, &after, (1, 1)).unwrap();
        assert_eq!(found.added, [after.leaves[1]], "so that its key is compared with the list");
        assert!(check_change(&before, &after, &[], &leaf(1, 1), 3).is_err(), "not without an add");
    }

    #[test]
    fn a_participant_adds_an_account_with_its_devices() {
        let (before, after) = (group(&[1], &[(1, 1)]), group(&[1, 2], &[(1, 1), (2, 2), (2, 3)]));
        let found = change(&before, &after, (1, 1)).unwrap();
        assert_eq!((found.joined, found.left), (vec![account(2)], vec![]));
        assert_eq!(found.added, [leaf(2, 2), leaf(2, 3)]);
    }

    #[test]
    fn leaving_keeps_only_the_committers_leaf() {
        let before = group(&[1, 2], &[(1, 1), (1, 4), (2, 2)]);
        assert!(change(&before, &group(&[2], &[(1, 1), (2, 2)]), (1, 1)).is_ok());
        assert!(change(&before, &group(&[2], &[(1, 1), (1, 4), (2, 2)]), (1, 1)).is_err());
        assert!(change(&before, &group(&[2], &[(1, 1), (1, 4), (2, 2)]), (2, 2)).is_err());
        let left = group(&[2], &[(1, 1), (2, 2)]);
        assert_eq!(change(&left, &left, (1, 1)), Err(Refusal::NotMember), "who left commits no more");
        assert!(change(&left, &left, (2, 2)).is_ok(), "what was left behind may stay for now");
    }

    #[test]
    fn strangers_doubles_foreign_keys_and_crowds_are_refused() {
        let before = group(&[1], &[(1, 1)]);
        for after in [
            group(&[1], &[(1, 1), (2, 2)]),
            group(&[1], &[(1, 1), (1, 1)]),
            group(&[1, 1], &[(1, 1)]),
            group(&[1, 2, 3, 4], &[(1, 1)]),
            group(&[1], &[]),
            roster(ConversationKind::Direct, &[1], &[(1, 1)]),
        ] {
            assert!(change(&before, &after, (1, 1)).is_err(), "{after:?}");
        }
        let mut foreign = before.clone();
        foreign.leaves[0].key = PublicKey::new([9; 32]);
        assert!(change(&before, &foreign, (1, 1)).is_err());
    }

    #[test]
    fn a_direct_conversation_keeps_its_two() {
        let before = roster(ConversationKind::Direct, &[1, 2], &[(1, 1)]);
        let joined = roster(ConversationKind::Direct, &[1, 2], &[(1, 1), (2, 2)]);
        assert!(change(&before, &joined, (2, 2)).is_ok());
        let third = roster(ConversationKind::Direct, &[1, 2, 3], &[(1, 1)]);
        assert!(change(&before, &third, (1, 1)).is_err());
    }

    #[test]
    fn ids_fit_kinds() {
        let (me, you) = (account(1), account(2));
        let direct = roster(ConversationKind::Direct, &[1, 2], &[]).participants;
        assert!(check_creation(ConversationId::of_pair(me, you), me, &direct).is_ok());
        assert!(check_creation(ConversationId::of_pair(me, you), account(3), &direct).is_err());
        assert!(check_creation(ConversationId::new([1; 16]), me, &direct).is_err());
        let own = roster(ConversationKind::SelfConversation, &[1], &[]).participants;
        assert!(check_creation(ConversationId::of_self(me), me, &own).is_ok());
        assert!(check_creation(ConversationId::of_self(you), me, &own).is_err());
        let group = roster(ConversationKind::Group, &[1], &[]).participants;
        assert!(check_creation(ConversationId::of_group(me, [7; 8]), me, &group).is_ok());
        assert!(check_creation(ConversationId::of_group(you, [7; 8]), me, &group).is_err());
        assert!(check_creation(ConversationId::of_pair(me, you), me, &group).is_err(), "a squatted id");
        let two = roster(ConversationKind::Group, &[1, 2], &[]).participants;
        assert!(check_creation(ConversationId::of_group(me, [7; 8]), me, &two).is_err());
    }

    #[test]
    fn an_added_device_needs_its_listed_key() {
        assert!(check_added(&leaf(2, 2), Some(PublicKey::new([2; 32]))).is_ok());
        assert_eq!(check_added(&leaf(2, 2), None), Err(Refusal::RosterStale));
        assert!(check_added(&leaf(2, 2), Some(PublicKey::new([3; 32]))).is_err());
    }
}
