//! How long bodies of entries are kept.

use diario_protocol::device_list::DeviceRole;
use diario_protocol::{Body, ConversationId, Position, Refusal, Retention, Seq, Timestamp, What};

use super::Place;
use super::world::{NOW, PAGE, Person, World, device_key, listed, range};
use crate::storage::{Erasure, NewEntry, RetentionRules};

const DAY: u64 = 24 * 60 * 60 * 1000;
const ABSENT: u64 = 30 * DAY;
const ONE_DAY: Retention = Retention { days: Some(1), delivered: false };
const DELIVERED: Retention = Retention { days: None, delivered: true };

async fn erasable(w: &World, server: Retention, now: Timestamp) -> Vec<Erasure> {
    let rules = RetentionRules { server, absent_ms: ABSENT };
    let (found, next) = w.storage.erasable(rules, None, now).await.expect("a look");
    assert_eq!(next, None, "there are few conversations");
    found
}

async fn append(w: &World, n: u8, now: Timestamp) -> Seq {
    let entry = NewEntry { now, ..w.marco.entry(w.group, 1, n) };
    w.storage.append(entry).await.expect("append")
}

async fn gone(w: &World) -> Vec<u64> {
    let page = w.storage.log(w.marco.id(), range(w.group, 1, 999), PAGE).await.expect("log");
    let hash = page.entries.iter().fold(page.hash_before, |hash, entry| hash.after_entry(entry));
    let end = page.head.next().0;
    let end = w.storage.log(w.marco.id(), range(w.group, end, end), PAGE).await.expect("log");
    assert_eq!(end.hash_before, hash, "the log is whole");
    page.entries.iter().filter(|e| matches!(e.body, Body::Gone(_))).map(|e| e.seq.0).collect()
}

/// Bodies go by age, whatever they are; digests, hashes and diaries stay.
pub async fn bodies_go_by_age_and_the_log_stays_whole(place: &dyn Place) {
    let w = World::new(place).await;
    w.add_giulia().await;
    append(&w, 1, NOW).await;
    let later = NOW.plus_ms(10 * DAY);
    append(&w, 2, later).await;
    assert_eq!(erasable(&w, Retention::FOREVER, later).await, []);
    assert_eq!(erasable(&w, ONE_DAY, NOW.plus_ms(DAY)).await, [], "not older than a day yet");
    let all = erasable(&w, ONE_DAY, later).await;
    let expected = Erasure { conversation: w.group, from: Seq(1), to: Seq(2) };
    assert_eq!(all, [expected], "the commit too, but not what was said today");
    assert!(gone(&w).await.is_empty());
    assert_eq!(w.storage.erase(expected).await, Ok(2));
    assert_eq!(w.storage.erase(expected).await, Ok(0), "once");
    assert_eq!(gone(&w).await, [1, 2]);
    assert_eq!(erasable(&w, ONE_DAY, later).await, []);
    let bodies: Vec<bool> = w
        .diary(&w.giulia)
        .await
        .iter()
        .filter_map(|(_, what)| match what {
            What::Entry(entry) => Some(matches!(entry.body, Body::Gone(_))),
            _ => None,
        })
        .collect();
    assert_eq!(bodies, [true, true, false], "who catches up is told");
    assert_eq!(w.storage.append(w.marco.entry(w.group, 1, 1)).await, Ok(Seq(2)), "the same entry again");
    append(&w, 3, later).await;
    let after = erasable(&w, ONE_DAY, later.plus_ms(2 * DAY)).await;
    assert_eq!(after, [Erasure { conversation: w.group, from: Seq(3), to: Seq(4) }]);
}

/// The first body that some device has not taken stays, and all after it.
pub async fn a_body_is_kept_until_every_device_has_it(place: &dyn Place) {
    let mut w = World::new(place).await;
    let until = NOW.plus_ms(14 * DAY);
    let list = w
        .giulia
        .next_list(vec![listed(102, DeviceRole::Primary, None), listed(50, DeviceRole::Linked, Some(until))]);
    w.storage.put_device_list(w.giulia.device.device, list, NOW).await.expect("a list");
    w.add_giulia().await;
    let positions = |person: &Person| {
        let diary = w.storage.changes_after(person.id(), Position(0), PAGE);
        async move {
            let (changes, _) = diary.await.expect("diary");
            let of = |c: &diario_protocol::Change| match &c.what {
                What::Entry(e) => Some((e.seq, c.position)),
                _ => None,
            };
            changes.iter().filter_map(of).collect::<Vec<_>>()
        }
    };
    append(&w, 1, NOW).await;
    append(&w, 2, NOW).await;
    let (marcos, giulias) = (positions(&w.marco).await, positions(&w.giulia).await);
    let at = |of: &[(Seq, Position)], seq: u64| of.iter().find(|(s, _)| s.0 == seq).expect("there").1;
    let mut pc = w.giulia.device;
    pc.device = diario_protocol::DeviceId::of_key(&device_key(50));
    let look = |now| erasable(&w, DELIVERED, now);
    assert_eq!(look(NOW).await, [], "nobody said that they have anything");
    w.storage.ack(w.marco.device, at(&marcos, 3)).await.expect("ack");
    w.storage.ack(w.giulia.device, at(&giulias, 3)).await.expect("ack");
    assert_eq!(look(NOW).await, [], "a device lacks all of it");
    w.storage.ack(pc, at(&giulias, 2)).await.expect("ack");
    let two = Erasure { conversation: w.group, from: Seq(1), to: Seq(2) };
    assert_eq!(look(NOW).await, [two], "all have the first two");
    assert_eq!(w.storage.erase(two).await, Ok(2));
    assert_eq!(look(NOW).await, []);
    let third = Erasure { conversation: w.group, from: Seq(3), to: Seq(3) };
    assert_eq!(look(until).await, [third], "a device whose time ran out holds nothing back");
    w.storage.lacks(w.giulia.device, at(&giulias, 3)).await.expect("lacks");
    assert_eq!(look(until).await, [third], "it asks for what comes after what it has");
    w.storage.lacks(w.giulia.device, Position(0)).await.expect("lacks");
    assert_eq!(look(until).await, [], "a device that was put back to an older copy asks for it again");
    w.storage.seen(w.giulia.device, NOW).await.expect("seen");
    assert_eq!(look(NOW.plus_ms(ABSENT + 1)).await, [third], "nor does one that is away for long");
    // Nobody has what is not there yet.
    w.storage.lacks(w.giulia.device, Position(999_999)).await.expect("lacks");
    assert_eq!(look(until).await, [], "asking for what is to come says nothing of what was");
    w.storage.ack(w.giulia.device, Position(999_999)).await.expect("ack");
    append(&w, 3, NOW).await;
    assert_eq!(look(until).await, [third]);
}

/// A conversation's members may agree on less than the server keeps, and all of them are told.
pub async fn members_agree_on_how_long_a_conversation_is_kept(place: &dyn Place) {
    let w = World::new(place).await;
    w.add_giulia().await;
    let set = |by: &Person, retention| w.storage.set_retention(w.group, by.device, retention, NOW);
    assert_eq!(set(&Person::new(3), ONE_DAY).await, Err(Refusal::DeviceRevoked));
    let unknown = w.storage.set_retention(ConversationId::new([1; 16]), w.marco.device, ONE_DAY, NOW).await;
    assert_eq!(unknown, Err(Refusal::NotMember));
    assert_eq!(set(&w.giulia, DELIVERED).await, Ok(()));
    assert_eq!(set(&w.marco, ONE_DAY).await, Ok(()));
    assert_eq!(set(&w.marco, ONE_DAY).await, Ok(()), "again, which changes nothing");
    for person in [&w.marco, &w.giulia] {
        let diary = w.diary(person).await;
        let told: Vec<_> = diary
            .iter()
            .filter_map(|(_, what)| match what {
                What::Retention(id, retention) => Some((*id, *retention)),
                _ => None,
            })
            .collect();
        assert_eq!(told, [(w.group, ONE_DAY)], "the newest only");
        let joined = diary.iter().any(
            |(_, what)| matches!(what, What::Joined(m) if m.conversation == w.group && m.retention == ONE_DAY),
        );
        assert!(joined, "who comes in learns it");
    }
    append(&w, 1, NOW).await;
    let later = NOW.plus_ms(2 * DAY);
    let mine = Erasure { conversation: w.group, from: Seq(1), to: Seq(2) };
    assert_eq!(erasable(&w, Retention::FOREVER, later).await, [mine]);
    let longer = Retention { days: Some(30), delivered: false };
    assert_eq!(erasable(&w, longer, later).await, [mine], "the shorter of both counts");
    assert_eq!(set(&w.marco, Retention::FOREVER).await, Ok(()));
    assert_eq!(erasable(&w, Retention::FOREVER, later).await, []);
}
