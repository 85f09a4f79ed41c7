//! What every storage must do, whatever it is made of.
//!
//! A backend gives a [`Place`] and runs each of these functions on a fresh one; they panic where it fails.
//! Nothing here is MLS: groups are opaque bytes to a storage.

mod heads;
mod push;
mod recovery;
mod retention;
mod world;

use std::sync::Arc;

use diario_protocol::device_list::DeviceRole;
use diario_protocol::{
    AccountId, AccountRef, Bin, ConversationId, ConversationKind, DeviceId, DeviceRef, EntryId, EntryKind,
    Epoch, LogHash, LogRange, MailboxId, Position, Refusal, Seq, SlotKey, SlotOutcome, SlotVersion, What,
};

pub use self::heads::{
    a_head_ends_where_the_account_left, a_log_is_read_backwards_and_by_time,
    a_page_brings_what_was_said_about_it, heads_are_a_first_screen, heads_come_page_by_page,
};
pub use self::push::{a_push_subscription_is_a_devices_own, a_secret_is_made_once};
pub use self::recovery::{
    a_recovery_replaces_the_list, a_released_name_goes_over_once, a_vault_follows_the_self_conversation,
};
pub use self::retention::{
    a_body_is_kept_until_every_device_has_it, bodies_go_by_age_and_the_log_stays_whole,
    members_agree_on_how_long_a_conversation_is_kept,
};
use self::world::{
    LATER, LIMITS, NOW, PAGE, Person, Recorder, World, creation, device_key, listed, packages, range,
    username, write,
};
use super::{CommitBasis, Listener, NewAccount, NewEntry, Storage};

/// Where a storage lives, so that it can be opened again.
pub trait Place {
    /// Opens it; makes it at the first time.
    fn open(&self, listener: Arc<dyn Listener>) -> Arc<dyn Storage>;
}

/// Sequences have no gaps; an id is one entry; foreign ids and senders are refused.
pub async fn a_log_is_gapless_and_idempotent(place: &dyn Place) {
    let w = World::new(place).await;
    let jobs = (1..=20).map(|n| w.storage.append(w.marco.entry(w.group, 0, n)));
    let seqs = futures_util::future::join_all(jobs).await;
    let seqs: Vec<u64> = seqs.into_iter().map(|s| s.expect("append").0).collect();
    assert_eq!(seqs, (1..=20).collect::<Vec<_>>(), "in the order asked");
    assert_eq!(w.storage.append(w.marco.entry(w.group, 0, 7)).await, Ok(Seq(7)), "again");
    assert_eq!(w.storage.append(w.giulia.entry(w.group, 0, 50)).await, Err(Refusal::NotMember));
    let stranger = Person::new(3);
    assert_eq!(w.storage.append(stranger.entry(w.group, 0, 50)).await, Err(Refusal::DeviceRevoked));
    assert_eq!(w.storage.append(w.marco.entry(w.group, 1, 50)).await, Err(Refusal::StaleEpoch(Epoch(0))));
    let about = NewEntry { annotates: Some(Seq(21)), ..w.marco.entry(w.group, 0, 51) };
    assert!(matches!(w.storage.append(about).await, Err(Refusal::Invalid(_))));
    w.add_giulia().await;
    assert_eq!(w.storage.append(w.marco.entry(w.group, 0, 7)).await, Ok(Seq(7)), "again, an epoch later");
    assert_eq!(w.storage.append(w.giulia.entry(w.group, 1, 7)).await, Err(Refusal::Exists), "another's id");

    let page = w.storage.log(w.marco.id(), range(w.group, 1, 999), PAGE).await.expect("log");
    assert_eq!((page.entries.len(), page.head), (21, Seq(21)));
    assert_eq!(page.hash_before, LogHash::start(&w.group));
    let hash = page.entries.iter().fold(page.hash_before, |hash, entry| hash.after_entry(entry));
    let end = w.storage.log(w.marco.id(), range(w.group, 22, 22), PAGE).await.expect("log");
    assert_eq!((end.hash_before, end.entries.len()), (hash, 0), "the running hash goes over all entries");
    let commits = LogRange { commits_only: true, ..range(w.group, 1, 999) };
    let commits = w.storage.log(w.marco.id(), commits, PAGE).await.expect("log").entries;
    assert_eq!(commits.iter().map(|e| (e.seq, e.kind)).collect::<Vec<_>>(), [(Seq(21), EntryKind::Commit)]);
    let cut = w.storage.log(w.marco.id(), range(w.group, 3, 999), 1).await.expect("log");
    assert_eq!(cut.entries.iter().map(|e| e.seq).collect::<Vec<_>>(), [Seq(3)], "a page is cut, never empty");
}

/// Positions grow by one; what is told live is what is read later.
pub async fn a_diary_is_what_was_told(place: &dyn Place) {
    let w = World::new(place).await;
    w.add_giulia().await;
    for n in 1..=5 {
        w.storage.append(w.marco.entry(w.group, 1, n)).await.expect("append");
    }
    for person in [&w.marco, &w.giulia] {
        let told = w.recorder.changes_of(person.id());
        let positions: Vec<u64> = told.iter().map(|(p, _)| p.0).collect();
        assert_eq!(positions, (1..=told.len() as u64).collect::<Vec<_>>());
        // The first memberships were told when fewer people were in.
        let joined = |(_, what): &&(Position, What)| !matches!(what, What::Joined(_));
        let read = w.diary(person).await;
        assert_eq!(
            told.iter().filter(joined).collect::<Vec<_>>(),
            read.iter().filter(joined).collect::<Vec<_>>()
        );
    }
    let kinds = w.diary(&w.giulia).await;
    let kinds: Vec<_> = kinds.iter().skip(1).take(4).map(|(_, what)| what).collect();
    assert!(
        matches!(kinds[..], [What::Joined(_), What::Entry(_), What::Welcome(..), What::Entry(_)]),
        "{kinds:?}"
    );
    let mut all = Vec::new();
    let mut after = Position(0);
    loop {
        let (changes, end) = w.storage.changes_after(w.marco.id(), after, 1).await.expect("diary");
        after = changes.last().map_or(after, |c| c.position);
        all.extend(changes);
        if end {
            break;
        }
    }
    assert_eq!(all.len(), w.diary(&w.marco).await.len(), "pages add up to the whole");
    let beyond = w.storage.changes_after(w.marco.id(), Position(999), PAGE).await;
    assert!(matches!(beyond, Err(Refusal::Invalid(_))), "a cursor of another database is told");
}

/// A newer version replaces a slot and its diary row; an older one does nothing.
pub async fn slots_are_replaced_by_newer_versions(place: &dyn Place) {
    let w = World::new(place).await;
    w.add_giulia().await;
    let put = |writes| w.storage.put_slots(w.marco.slots(w.group, 1, writes));
    assert_eq!(put(vec![write(1, 1, true), write(2, 5, false)]).await, Ok(vec![SlotOutcome::Stored; 2]));
    let outcomes = put(vec![write(1, 1, true), write(1, 3, true), write(2, 4, false)]).await;
    let newer = |n| SlotOutcome::Newer(SlotVersion(n));
    assert_eq!(outcomes, Ok(vec![newer(1), SlotOutcome::Stored, newer(5)]));
    for person in [&w.marco, &w.giulia] {
        let slots: Vec<_> = w
            .diary(person)
            .await
            .into_iter()
            .filter_map(|(_, what)| match what {
                What::Slot(slot) => Some((slot.key, slot.version.0)),
                _ => None,
            })
            .collect();
        assert_eq!(
            slots,
            [(SlotKey::new([2; 16]), 5), (SlotKey::new([1; 16]), 3)],
            "one row each, newest last"
        );
    }
    let keys = [1, 2, 3].map(|n| SlotKey::new([n; 16])).to_vec();
    let read = w.storage.slots(w.giulia.id(), w.group, keys.clone()).await.expect("slots");
    assert_eq!(read.iter().map(|s| s.version.0).collect::<Vec<_>>(), [3, 5]);
    let own = ConversationId::of_self(w.marco.id());
    assert_eq!(w.storage.slots(w.giulia.id(), own, keys).await, Err(Refusal::NotMember));
    let old = w.marco.slots(w.group, 0, vec![write(4, 1, false)]);
    assert_eq!(w.storage.put_slots(old).await, Err(Refusal::StaleEpoch(Epoch(1))));
}

/// Of all commits for an epoch one is taken.
pub async fn one_commit_ends_an_epoch(place: &dyn Place) {
    let w = World::new(place).await;
    let jobs = (1..=8).map(|n| w.storage.commit(w.marco.commit(w.group, 0, n, &[&w.marco])));
    let results = futures_util::future::join_all(jobs).await;
    assert_eq!(results.iter().filter(|r| r.is_ok()).count(), 1, "{results:?}");
    let stale = Err(Refusal::StaleEpoch(Epoch(1)));
    assert_eq!(results.iter().filter(|r| **r == stale).count(), 7, "{results:?}");
    let kept = w.storage.group_state(w.marco.id(), w.group).await.expect("state");
    let won = u8::try_from(results.iter().position(Result::is_ok).expect("one") + 1).unwrap_or(0);
    assert_eq!((kept.epoch, kept.group_info.0), (Epoch(1), vec![won; 3]));
    let again = w.storage.commit(w.marco.commit(w.group, 0, won, &[&w.marco])).await;
    assert_eq!(again, Ok(Seq(1)), "the same commit again");
    let basis =
        |id, epoch| w.storage.commit_basis(w.group, w.marco.device, EntryId::new([id; 16]), Epoch(epoch));
    assert_eq!(basis(won, 0).await, Ok(CommitBasis::Done(Seq(1))));
    assert_eq!(basis(99, 0).await, Err(Refusal::StaleEpoch(Epoch(1))));
    assert_eq!(basis(99, 1).await, Ok(CommitBasis::State(vec![won; 5])));
}

/// A one-time key package goes out once; then the last resort.
pub async fn key_packages_go_out_once(place: &dyn Place) {
    let w = World::new(place).await;
    let put = w.storage.put_key_packages(w.giulia.device, packages(3, false));
    assert_eq!(put.await, Ok(()));
    let too_many = w.storage.put_key_packages(w.giulia.device, packages(2, false)).await;
    assert!(matches!(too_many, Err(Refusal::TooMany(..))), "{too_many:?}");
    let claims = (0..6).map(|_| w.storage.claim_key_packages(vec![w.giulia.device]));
    let mut got: Vec<Vec<u8>> = Vec::new();
    for claim in futures_util::future::join_all(claims).await {
        got.extend(claim.expect("claim").into_iter().flatten().map(|b| b.0));
    }
    let last = |b: &&Vec<u8>| **b == [0xff];
    assert_eq!(
        (got.len(), got.iter().filter(last).count()),
        (6, 2),
        "four once, then the last resort: {got:?}"
    );
    let nobody = DeviceRef { account: w.giulia.id(), device: DeviceId::new([0; 16]) };
    assert_eq!(w.storage.claim_key_packages(vec![nobody]).await, Ok(vec![None]));
    let unlisted = w.storage.put_key_packages(nobody, packages(1, false)).await;
    assert_eq!(unlisted, Err(Refusal::DeviceRevoked));
}

/// A welcome waits for its device with the tree that fits it.
pub async fn a_welcome_waits_until_it_is_dropped(place: &dyn Place) {
    let w = World::new(place).await;
    w.add_giulia().await;
    w.storage.commit(w.marco.commit(w.group, 1, 201, &[&w.marco, &w.giulia])).await.expect("commit");
    let welcome = w.storage.welcome(w.giulia.device, w.group).await.expect("read").expect("a welcome");
    let fits = (welcome.epoch, welcome.seq, welcome.welcome.0, welcome.tree.0);
    assert_eq!(fits, (Epoch(1), Seq(1), vec![7], vec![200; 4]));
    assert_eq!(w.storage.welcome(w.marco.device, w.group).await, Ok(None));
    w.storage.drop_welcome(w.giulia.device, w.group, Epoch(2)).await.expect("drop");
    assert!(w.storage.welcome(w.giulia.device, w.group).await.expect("read").is_some(), "another epoch's");
    w.storage.drop_welcome(w.giulia.device, w.group, Epoch(1)).await.expect("drop");
    assert_eq!(w.storage.welcome(w.giulia.device, w.group).await, Ok(None));
}

/// An account reads the log from the commit that added it to the one that removed it.
pub async fn an_account_reads_while_it_is_in(place: &dyn Place) {
    let w = World::new(place).await;
    w.storage.append(w.marco.entry(w.group, 0, 1)).await.expect("append");
    assert_eq!(w.add_giulia().await, Seq(2));
    w.storage.append(w.giulia.entry(w.group, 1, 3)).await.expect("append");
    let out = w.storage.commit(w.marco.commit(w.group, 1, 4, &[&w.marco])).await;
    assert_eq!(out, Ok(Seq(4)));
    w.storage.append(w.marco.entry(w.group, 2, 5)).await.expect("append");

    let read = |from, to| w.storage.log(w.giulia.id(), range(w.group, from, to), PAGE);
    assert_eq!(read(1, 9).await, Err(Refusal::BeforeStart(Seq(2))));
    let page = read(2, 9).await.expect("log");
    let seqs: Vec<u64> = page.entries.iter().map(|e| e.seq.0).collect();
    assert_eq!((seqs, page.head), (vec![2, 3, 4], Seq(4)));
    let stranger = Person::new(3);
    let foreign = w.storage.log(stranger.id(), range(w.group, 1, 9), PAGE).await;
    assert_eq!(foreign, Err(Refusal::NotMember));
    assert_eq!(w.storage.append(w.giulia.entry(w.group, 2, 6)).await, Err(Refusal::NotMember));
    assert!(matches!(w.storage.group_state(w.giulia.id(), w.group).await, Err(Refusal::NotMember)));
    let audience = w.storage.audience(w.group, w.giulia.device, Epoch(2)).await;
    assert_eq!(audience, Err(Refusal::NotMember));
    let diary = w.diary(&w.giulia).await;
    let last: Vec<_> = diary.iter().rev().take(2).map(|(_, what)| what).collect();
    assert!(matches!(last[..], [What::Left(_, Seq(4)), What::Entry(_)]), "{last:?}");

    // In again: another window, and nothing of what was said meanwhile.
    let mut again = w.marco.commit(w.group, 2, 6, &[&w.marco, &w.giulia]);
    again.welcomed = vec![w.giulia.device];
    again.welcome = Some(Bin(vec![8]));
    assert_eq!(w.storage.commit(again).await, Ok(Seq(6)));
    assert_eq!(read(5, 9).await, Err(Refusal::BeforeStart(Seq(6))));
    assert_eq!(read(3, 9).await.expect("log").entries.len(), 2, "the first time in");
    assert_eq!(read(6, 9).await.expect("log").entries.len(), 1);
}

/// Nothing is sealed under a roster that the newest lists contradict.
pub async fn a_stale_roster_stops_writes(place: &dyn Place) {
    let mut w = World::new(place).await;
    w.add_giulia().await;
    let group = w.group;
    let tablet = DeviceRef { account: w.giulia.id(), device: DeviceId::of_key(&device_key(50)) };
    let main = listed(102, DeviceRole::Primary, None);
    let devices = vec![main.clone(), listed(50, DeviceRole::Linked, Some(LATER))];
    let list = w.giulia.next_list(devices);
    w.storage.put_device_list(w.giulia.device.device, list, NOW).await.expect("list");
    assert!(w.storage.append(w.marco.entry(group, 1, 1)).await.is_ok(), "it cannot be added yet");
    w.storage.put_key_packages(tablet, packages(1, true)).await.expect("packages");
    assert_eq!(w.storage.append(w.marco.entry(group, 1, 2)).await, Err(Refusal::RosterStale));
    let slots = w.marco.slots(group, 1, vec![write(1, 1, false)]);
    assert_eq!(w.storage.put_slots(slots).await, Err(Refusal::RosterStale));
    assert_eq!(w.storage.append(w.marco.entry(group, 1, 1)).await, Ok(Seq(2)), "what was taken stays taken");

    let mut commit = w.marco.commit(group, 1, 3, &[&w.marco, &w.giulia]);
    commit.leaves.push(tablet);
    w.storage.commit(commit).await.expect("commit");
    assert!(w.storage.append(w.marco.entry(group, 2, 4)).await.is_ok());

    let after = NewEntry { now: LATER, ..w.marco.entry(group, 2, 5) };
    assert_eq!(w.storage.append(after).await, Err(Refusal::RosterStale), "the tablet has expired");
    let own = NewEntry { sender: tablet, now: LATER, ..w.giulia.entry(group, 2, 6) };
    assert_eq!(w.storage.append(own).await, Err(Refusal::DeviceExpired));
    let mut commit = w.marco.commit(group, 2, 7, &[&w.marco, &w.giulia]);
    commit.entry.now = LATER;
    w.storage.commit(commit).await.expect("commit");
    let after = NewEntry { now: LATER, ..w.marco.entry(group, 3, 5) };
    assert!(w.storage.append(after).await.is_ok());
}

/// Device lists only go forward, and only a primary puts them.
pub async fn device_lists_go_forward(place: &dyn Place) {
    let mut w = World::new(place).await;
    w.add_giulia().await;
    let main = listed(102, DeviceRole::Primary, None);
    let linked = DeviceRef { account: w.giulia.id(), device: DeviceId::of_key(&device_key(50)) };
    let second = w.giulia.next_list(vec![main.clone(), listed(50, DeviceRole::Linked, None)]);
    let by = w.giulia.device.device;
    w.storage.put_device_list(by, second.clone(), NOW).await.expect("list");
    assert_eq!(w.storage.put_device_list(by, second, NOW).await, Err(Refusal::OldDeviceList(2)));
    w.storage.put_key_packages(linked, packages(1, true)).await.expect("packages");
    let third = w.giulia.next_list(vec![main]);
    let by_linked = w.storage.put_device_list(linked.device, third.clone(), NOW).await;
    assert!(matches!(by_linked, Err(Refusal::Invalid(_))), "{by_linked:?}");
    w.storage.put_device_list(by, third.clone(), NOW).await.expect("list");

    assert_eq!(w.storage.device(linked).await, Ok(None));
    assert_eq!(w.storage.claim_key_packages(vec![linked]).await, Ok(vec![None]), "its key packages went");
    let late = NewEntry { sender: linked, ..w.giulia.entry(w.group, 1, 9) };
    assert_eq!(w.storage.append(late).await, Err(Refusal::DeviceRevoked));
    let history = w.storage.device_lists(w.giulia.id()).await.expect("history");
    assert_eq!((history.len(), history.last()), (3, Some(third.signed())));
    for person in [&w.marco, &w.giulia] {
        let lists: Vec<_> = w
            .diary(person)
            .await
            .into_iter()
            .filter_map(|(_, what)| match what {
                What::DeviceList(info) => Some(info.list),
                _ => None,
            })
            .collect();
        assert_eq!(lists, [third.signed().clone()], "the newest only");
    }
    let refs = vec![
        AccountRef::Name(username("giulia")),
        AccountRef::Id(w.marco.id()),
        AccountRef::Name(username("nobody")),
    ];
    let found = w.storage.accounts(refs).await.expect("lookup");
    let found: Vec<_> = found.iter().map(|a| a.as_ref().map(|a| a.username.as_str())).collect();
    assert_eq!(found, [Some("giulia"), Some("marco"), None]);
}

/// Names are taken once, invites as often as they say.
pub async fn registration_is_all_or_nothing(place: &dyn Place) {
    let w = World::new(place).await;
    let (anna, bruno, carla) = (Person::new(3), Person::new(4), Person::new(5));
    assert_eq!(w.storage.register(anna.account("marco")).await, Err(Refusal::NameTaken));
    assert_eq!(w.storage.register(w.marco.account("other")).await, Err(Refusal::Exists));
    w.storage.create_invite("abc".into(), 1).await.expect("invite");
    let with = |person: &Person, name: &str, code: &str| NewAccount {
        invite: Some(code.into()),
        ..person.account(name)
    };
    assert_eq!(w.storage.register(with(&anna, "anna", "wrong")).await, Err(Refusal::InviteNeeded));
    assert_eq!(
        w.storage.register(with(&anna, "marco", "abc")).await,
        Err(Refusal::NameTaken),
        "keeps the invite"
    );
    let (first, second) = tokio::join!(
        w.storage.register(with(&anna, "anna", "abc")),
        w.storage.register(with(&bruno, "bruno", "abc"))
    );
    assert_eq!((first, second), (Ok(()), Err(Refusal::InviteNeeded)));
    assert_eq!(w.storage.device(bruno.device).await, Ok(None), "nothing of a refused account is kept");
    assert_eq!(w.storage.register(carla.account("bruno")).await, Ok(()));
    let state = w.storage.device(carla.device).await.expect("device").expect("known");
    assert_eq!((state.head, state.key_packages, state.username.as_str()), (Position(1), 1, "bruno"));
}

/// Creating twice is one conversation; another's is refused.
pub async fn a_conversation_is_made_once(place: &dyn Place) {
    let w = World::new(place).await;
    let id = ConversationId::of_pair(w.marco.id(), w.giulia.id());
    let both = [w.marco.id(), w.giulia.id()];
    let new = |by: &Person| creation(id, ConversationKind::Direct, by.device, &both);
    assert_eq!(w.storage.create(new(&w.marco)).await, Ok(()));
    assert_eq!(w.storage.create(new(&w.marco)).await, Ok(()));
    assert_eq!(w.storage.create(new(&w.giulia)).await, Err(Refusal::Exists));
    assert_eq!(
        w.storage.append(w.marco.entry(id, 0, 1)).await,
        Err(Refusal::RosterStale),
        "Giulia is to be added"
    );
    for person in [&w.marco, &w.giulia] {
        let joined = |(_, what): &(Position, What)| matches!(what, What::Joined(m) if m.conversation == id && m.participants.len() == 2);
        assert!(w.diary(person).await.iter().any(joined));
    }
    let stranger = creation(
        ConversationId::new([5; 16]),
        ConversationKind::Direct,
        w.marco.device,
        &[w.marco.id(), AccountId::new([0; 16])],
    );
    assert!(matches!(w.storage.create(stranger).await, Err(Refusal::NotFound(_))));
}

/// What was answered is there after a crash, and goes on from where it was.
pub async fn what_was_answered_survives(place: &dyn Place) {
    let w = World::new(place).await;
    w.add_giulia().await;
    w.storage.append(w.marco.entry(w.group, 1, 1)).await.expect("append");
    let (server, before) = (w.storage.server_id(), w.diary(&w.giulia).await);
    let World { storage, marco, giulia, group, .. } = w;
    drop(storage);
    let recorder = Arc::new(Recorder::default());
    let storage = place.open(recorder.clone());
    let w = World { storage, recorder, marco, giulia, group };
    assert_eq!(w.storage.server_id(), server);
    assert_eq!(w.diary(&w.giulia).await, before);
    assert_eq!(w.storage.append(w.marco.entry(w.group, 1, 1)).await, Ok(Seq(2)), "the same entry");
    assert_eq!(w.storage.append(w.giulia.entry(w.group, 1, 2)).await, Ok(Seq(3)));
    let told = w.recorder.changes_of(w.giulia.id());
    let last = before.last().map_or(0, |(p, _)| p.0);
    assert_eq!(told.first().map(|(p, _)| p.0), Some(last + 1));
    w.storage.close().await.expect("close");
    assert_eq!(w.storage.append(w.giulia.entry(w.group, 1, 3)).await, Err(Refusal::Draining));
}

/// A mailbox is entered once, holds little, and ends.
pub async fn a_mailbox_is_small_and_short(place: &dyn Place) {
    let w = World::new(place).await;
    let id = MailboxId::new([1; 16]);
    let put = |approver, n: u8, now| w.storage.put_mailbox(id, approver, Bin(vec![n]), now, LIMITS);
    assert_eq!(put(false, 1, NOW).await, Err(Refusal::MailboxGone));
    assert_eq!(w.storage.open_mailbox(id, NOW, LIMITS).await, Ok(()));
    assert_eq!(w.storage.open_mailbox(id, NOW, LIMITS).await, Err(Refusal::MailboxGone));
    assert_eq!(put(false, 1, NOW).await, Ok(()));
    assert!(w.recorder.mail().is_empty(), "kept until the approver comes");
    assert_eq!(w.storage.join_mailbox(id, NOW).await, Ok(()));
    assert_eq!(w.storage.join_mailbox(id, NOW).await, Err(Refusal::MailboxGone), "once");
    assert_eq!(put(true, 2, NOW).await, Ok(()));
    assert_eq!(put(false, 3, NOW).await, Ok(()));
    assert!(matches!(put(false, 4, NOW).await, Err(Refusal::TooMany(..))));
    let mail = [(true, vec![1]), (false, vec![2]), (true, vec![3])];
    assert_eq!(w.recorder.mail(), mail);
    assert_eq!(put(true, 5, NOW.plus_ms(100)).await, Err(Refusal::MailboxGone), "its time is over");
    for n in [2, 3] {
        let opened = w.storage.open_mailbox(MailboxId::new([n; 16]), NOW.plus_ms(200), LIMITS).await;
        assert_eq!(opened, Ok(()));
    }
    let third = w.storage.open_mailbox(MailboxId::new([4; 16]), NOW.plus_ms(200), LIMITS).await;
    assert!(matches!(third, Err(Refusal::TooMany(..))));
    assert_eq!(w.storage.close_mailbox(MailboxId::new([3; 16])).await, Ok(()));
    let third = w.storage.open_mailbox(MailboxId::new([4; 16]), NOW.plus_ms(200), LIMITS).await;
    assert_eq!(third, Ok(()));
}

/// Makes a test of each part of the contract, for the expression that gives a fresh place.
#[macro_export]
macro_rules! storage_contract {
    ($place:expr) => {
        $crate::storage_contract! { $place;
            a_log_is_gapless_and_idempotent, a_diary_is_what_was_told, slots_are_replaced_by_newer_versions,
            one_commit_ends_an_epoch, key_packages_go_out_once, a_welcome_waits_until_it_is_dropped,
            an_account_reads_while_it_is_in, a_stale_roster_stops_writes, device_lists_go_forward,
            registration_is_all_or_nothing, a_conversation_is_made_once, what_was_answered_survives,
            a_mailbox_is_small_and_short, a_push_subscription_is_a_devices_own, a_secret_is_made_once,
            heads_are_a_first_screen, heads_come_page_by_page, a_head_ends_where_the_account_left,
            a_log_is_read_backwards_and_by_time, a_page_brings_what_was_said_about_it, bodies_go_by_age_and_the_log_stays_whole,
            a_body_is_kept_until_every_device_has_it, members_agree_on_how_long_a_conversation_is_kept,
            a_vault_follows_the_self_conversation, a_recovery_replaces_the_list,
            a_released_name_goes_over_once
        }
    };
    ($place:expr; $($name:ident),*) => {
        $(#[tokio::test]
        async fn $name() {
            $crate::storage::contract::$name(&$place).await;
        })*
    };
}
