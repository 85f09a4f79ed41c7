//! What a storage must answer when a device wants a first screen.

use diario_protocol::{
    ConversationHead, ConversationId, Epoch, Heads, HeadsRange, LogRange, Position, Refusal, Seq, SlotKey,
    SlotWrite, Timestamp,
};

use super::Place;
use super::world::{NOW, PAGE, Person, World, creation, range, write};
use crate::storage::NewEntry;

const ALL: HeadsRange = HeadsRange { most: 0, since: Position(0), after: None };

async fn heads(w: &World, range: HeadsRange) -> Heads {
    w.storage.heads(w.giulia.id(), range, NOW.plus_ms(50), PAGE).await.expect("heads")
}

fn of(heads: &Heads, id: ConversationId) -> &ConversationHead {
    heads.items.iter().find(|h| h.conversation == id).expect("the conversation")
}

fn at(person: &Person, conversation: ConversationId, n: u8, ms: u64) -> NewEntry {
    NewEntry { now: NOW.plus_ms(ms), ..person.entry(conversation, 1, n) }
}

/// Heads bring the newest message, who wrote what, the head slots, the keyring slots of two epochs, and whom it takes
/// to check them.
pub async fn heads_are_a_first_screen(place: &dyn Place) {
    let w = World::new(place).await;
    w.add_giulia().await;
    for n in 1..=4 {
        w.storage.append(w.marco.entry(w.group, 1, n)).await.expect("append");
    }
    w.storage.append(w.giulia.entry(w.group, 1, 5)).await.expect("append");
    let about = NewEntry { annotates: Some(Seq(2)), ..w.marco.entry(w.group, 1, 6) };
    w.storage.append(about).await.expect("append");
    let slots = w.marco.slots(w.group, 1, vec![write(1, 1, true), write(2, 1, false)]);
    w.storage.put_slots(slots).await.expect("slots");
    let own = ConversationId::of_self(w.giulia.id());
    let key = |epoch| SlotWrite {
        key: SlotKey::of_keyring(w.giulia.id(), w.group, Epoch(epoch)),
        ..write(0, 1, false)
    };
    w.storage.put_slots(w.giulia.slots(own, 0, vec![key(0), key(1), key(2)])).await.expect("keyring");
    let receipts = SlotWrite { key: SlotKey::of_receipts(w.group, w.giulia.id()), ..write(0, 1, false) };
    w.storage.put_slots(w.giulia.slots(w.group, 1, vec![receipts.clone()])).await.expect("receipts");

    let all = heads(&w, ALL).await;
    assert_eq!(all.next, None);
    assert_eq!(all.items.iter().map(|h| h.conversation).collect::<Vec<_>>(), [own, w.group], "own first");
    let last = w.diary(&w.giulia).await.last().map(|(position, _)| *position);
    assert_eq!(Some(all.position), last);
    let head = of(&all, w.group);
    assert_eq!((head.epoch, head.head, head.since, head.left), (Epoch(1), Seq(7), Seq(1), false));
    let page = w.storage.log(w.giulia.id(), range(w.group, 1, 9), PAGE).await.expect("log");
    let hash = page.entries.iter().fold(page.hash_before, |hash, entry| hash.after_entry(entry));
    assert_eq!(head.hash, hash);
    // From the newest back: Marco's about another, Giulia's, Marco's four, the commit.
    assert_eq!(head.others.0, [0b011_1101]);
    let message = head.last.as_ref().expect("a message");
    assert_eq!((message.seq, message.body.0.clone()), (Seq(6), vec![5; 40]), "not the one about another");
    let by = all.devices[message.device as usize];
    assert_eq!((by.device, all.people[by.account as usize]), (w.giulia.device.device, w.giulia.id()));
    let slots: Vec<_> = head.slots.iter().map(|s| s.key).collect();
    assert_eq!(slots, [SlotKey::new([1; 16]), receipts.key], "marked, and the reader's own receipts");
    assert_eq!(head.keys.iter().map(|s| s.key).collect::<Vec<_>>(), [key(1).key]);
    let names: Vec<_> = all.accounts.iter().map(|a| a.username.as_str()).collect();
    assert!(names.contains(&"marco") && names.contains(&"giulia") && names.len() == 2, "{names:?}");

    let later = heads(&w, HeadsRange { since: all.position, ..ALL }).await;
    assert!(of(&later, w.group).slots.is_empty() && of(&later, w.group).keys.is_empty(), "known already");
    w.storage.put_slots(w.marco.slots(w.group, 1, vec![write(1, 2, true)])).await.expect("slots");
    let later = heads(&w, HeadsRange { since: all.position, ..ALL }).await;
    assert_eq!(of(&later, w.group).slots.len(), 1);
}

/// Pages go by what was said last; what moves to the front meanwhile is told, and nothing is left out.
pub async fn heads_come_page_by_page(place: &dyn Place) {
    let w = World::new(place).await;
    w.add_giulia().await;
    let mut groups = vec![w.group];
    for n in 0..5u8 {
        let id = ConversationId::new([20 + n; 16]);
        let new = creation(id, diario_protocol::ConversationKind::Group, w.marco.device, &[w.marco.id()]);
        w.storage.create(new).await.expect("creation");
        let commit = w.marco.commit(id, 0, 100, &[&w.marco, &w.giulia]);
        w.storage.commit(commit).await.expect("commit");
        let said = NewEntry { now: NOW.plus_ms(u64::from(n)), ..w.marco.entry(id, 1, n) };
        w.storage.append(said).await.expect("append");
        groups.push(id);
    }
    let first = heads(&w, HeadsRange { most: 3, ..ALL }).await;
    let ids = |heads: &Heads| heads.items.iter().map(|h| h.conversation).collect::<Vec<_>>();
    let own = ConversationId::of_self(w.giulia.id());
    assert_eq!(ids(&first), [own, groups[5], groups[4]]);
    let moved = NewEntry { now: NOW.plus_ms(90), ..w.marco.entry(groups[1], 1, 77) };
    w.storage.append(moved).await.expect("append");
    let rest = heads(&w, HeadsRange { after: first.next, ..ALL }).await;
    assert_eq!(ids(&rest), [groups[1], groups[3], groups[2], groups[0]], "the moved one is not forgotten");
    let tiny = w.storage.heads(w.giulia.id(), ALL, NOW, 1).await.expect("heads");
    assert_eq!((tiny.items.len(), tiny.next.is_some()), (1, true));
}

/// A conversation that one is out of is told as far as one may read it, and nothing beyond.
pub async fn a_head_ends_where_the_account_left(place: &dyn Place) {
    let w = World::new(place).await;
    w.add_giulia().await;
    w.storage.append(w.marco.entry(w.group, 1, 1)).await.expect("append");
    w.storage.commit(w.marco.commit(w.group, 1, 201, &[&w.marco])).await.expect("commit");
    w.storage.append(w.marco.entry(w.group, 2, 2)).await.expect("append");
    let all = heads(&w, ALL).await;
    let head = of(&all, w.group);
    assert_eq!((head.left, head.head), (true, Seq(3)));
    assert!(head.participants.is_empty() && head.slots.is_empty());
    assert_eq!(head.last.as_ref().map(|m| m.seq), Some(Seq(2)));
}

/// A page brings what was said later about its entries, its authors' words first, and no more than may be read.
pub async fn a_page_brings_what_was_said_about_it(place: &dyn Place) {
    let w = World::new(place).await;
    w.add_giulia().await;
    for n in 1..=4 {
        w.storage.append(w.marco.entry(w.group, 1, n)).await.expect("append");
    }
    // The commit is the first entry: these are about entries 3, 3, 2 and 5, and come as 6 to 9.
    for (by, n, of) in [(&w.marco, 11, 3), (&w.giulia, 12, 3), (&w.giulia, 13, 2), (&w.marco, 14, 5)] {
        let about = NewEntry { annotates: Some(Seq(of)), ..by.entry(w.group, 1, n) };
        w.storage.append(about).await.expect("append");
    }
    let ask = |from, to, about: u64, bytes| {
        let wanted = LogRange { about: Some(Seq(about)), ..range(w.group, from, to) };
        let asked = w.storage.log(w.giulia.id(), wanted, bytes);
        async move {
            let page = asked.await.expect("log");
            let places = |of: &[diario_protocol::Entry]| of.iter().map(|e| e.seq.0).collect::<Vec<_>>();
            (places(&page.entries), places(&page.about))
        }
    };
    assert_eq!(ask(2, 4, 99, PAGE).await, (vec![2, 3, 4], vec![6, 7, 8]));
    assert_eq!(ask(2, 4, 7, PAGE).await, (vec![2, 3, 4], vec![6, 7]), "no further than was asked");
    assert_eq!(
        ask(3, 7, 99, PAGE).await,
        (vec![3, 4, 5, 6, 7], vec![9]),
        "what is in the page is not said twice"
    );
    assert_eq!(ask(3, 3, 99, 1).await, (vec![3], vec![6]), "the author's comes before what is newer");
    let plain = w.storage.log(w.giulia.id(), range(w.group, 2, 4), PAGE).await.expect("log");
    assert!(plain.about.is_empty(), "only if it is asked for");
    w.storage.commit(w.marco.commit(w.group, 1, 201, &[&w.marco])).await.expect("commit");
    let late = NewEntry { annotates: Some(Seq(4)), ..w.marco.entry(w.group, 2, 15) };
    w.storage.append(late).await.expect("append");
    assert_eq!(ask(2, 4, 99, PAGE).await.1, [6, 7, 8], "nothing of what came after one left");
}

/// A part of a log that does not fit comes from its newest end, where that is asked; a time leads to a sequence.
pub async fn a_log_is_read_backwards_and_by_time(place: &dyn Place) {
    let w = World::new(place).await;
    w.add_giulia().await;
    for n in 1..=9u8 {
        w.storage.append(at(&w.marco, w.group, n, 10 * u64::from(n))).await.expect("append");
    }
    let newest = LogRange { newest: true, ..range(w.group, 1, 8) };
    let page = w.storage.log(w.giulia.id(), newest, 300).await.expect("log");
    assert_eq!(page.entries.iter().map(|e| e.seq.0).collect::<Vec<_>>(), [7, 8]);
    let before = w.storage.log(w.giulia.id(), range(w.group, 1, 6), PAGE).await.expect("log");
    let hash = before.entries.iter().fold(before.hash_before, |hash, entry| hash.after_entry(entry));
    assert_eq!(page.hash_before, hash);
    let seq_at = |at: Timestamp| w.storage.seq_at(w.giulia.id(), w.group, at);
    assert_eq!(seq_at(Timestamp(0)).await, Ok(Seq(1)));
    assert_eq!(seq_at(NOW.plus_ms(31)).await, Ok(Seq(5)), "the commit is the first");
    assert_eq!(seq_at(NOW.plus_ms(40)).await, Ok(Seq(5)));
    assert_eq!(seq_at(NOW.plus_ms(999)).await, Ok(Seq(10)), "the last");
    let stranger = Person::new(3);
    assert_eq!(w.storage.seq_at(stranger.id(), w.group, NOW).await, Err(Refusal::NotMember));
}
