//! Keys that no device of an account lived through are asked for from the conversation.

use anyhow::Result;
use diario_engine::{Event, GroupChange, MessageState, Misbehaviour};
use diario_protocol::{ConversationId, Request};
use diario_sim::{SimDevice, World, settle};
use rusqlite::{Connection, params};

const DAY: u64 = 24 * 60 * 60 * 1000;

/// Lets the pause run out that is left to the keyring, and everything that follows.
async fn wait_and_settle(world: &World, devices: &mut [&mut SimDevice]) -> Result<()> {
    for _ in 0..2 {
        world.clock().advance(6_000);
        settle(devices).await?;
        // What others were pushed may still be on its way.
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        settle(devices).await?;
    }
    Ok(())
}

/// A copy of a device's store, as an old backup of it.
fn copy(world: &World, from: &str, to: &str) -> Result<()> {
    let db = Connection::open(world.folder().join(from))?;
    db.execute("VACUUM INTO ?1", [world.folder().join(to).to_string_lossy()])?;
    Ok(())
}

/// Takes a conversation's group out of a store: the device is as one that was never admitted to it.
fn forget_group(world: &World, store: &str, conversation: ConversationId) -> Result<()> {
    let db = Connection::open(world.folder().join(store))?;
    db.execute("UPDATE conversation SET group_state = 0 WHERE id = ?1", [conversation.as_bytes()])?;
    db.execute("DELETE FROM mls WHERE instr(key, ?1) > 0", [conversation.as_bytes()])?;
    Ok(())
}

fn unreadable(device: &SimDevice, chat: ConversationId) -> Result<usize> {
    Ok(device.messages(chat)?.iter().filter(|m| m.state == MessageState::Waiting).count())
}

/// Giulia's only phone is off while her friends talk on for so many epochs of a week each; then it is lost, and what is
/// left is a copy of its store that is not in the group any more.
struct Week {
    world: World,
    marco: SimDevice,
    chat: ConversationId,
}

impl Week {
    async fn new(epochs: u64) -> Result<Self> {
        let world = World::new().await?;
        let mut marco = SimDevice::at(&world, "marco", &world.folder().join("marco.db"))?;
        let mut phone = SimDevice::at(&world, "giulia's phone", &world.folder().join("phone.db"))?;
        marco.register("marco").await?;
        phone.register("giulia").await?;
        let to = phone.find("marco").await?;
        let chat = phone.direct(to)?;
        phone.say(chat, "before")?;
        settle(&mut [&mut phone, &mut marco]).await?;
        marco.say(chat, "hello")?;
        settle(&mut [&mut phone, &mut marco]).await?;
        assert_eq!(phone.texts(chat)?, ["before", "hello"]);
        phone.disconnect();
        drop(phone);
        copy(&world, "phone.db", "left.db")?;
        forget_group(&world, "left.db", chat)?;
        for week in 1..=epochs {
            world.clock().advance(8 * DAY);
            marco.say(chat, &format!("week {week}"))?;
            marco.say(chat, &format!("week {week} again"))?;
            settle(&mut [&mut marco]).await?;
        }
        Ok(Self { world, marco, chat })
    }

    fn said(epochs: u64) -> Vec<String> {
        let weeks = (1..=epochs).flat_map(|w| [format!("week {w}"), format!("week {w} again")]);
        ["before".to_owned(), "hello".to_owned()].into_iter().chain(weeks).collect()
    }

    fn left(&self) -> Result<SimDevice> {
        SimDevice::at(&self.world, "what is left", &self.world.folder().join("left.db"))
    }
}

/// "Waiting for this message" for ever (Baileys#1739), and a second device that cannot decrypt what the first one can
/// (element-web#33031).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_week_that_no_device_lived_through_is_read_by_asking() -> Result<()> {
    let mut w = Week::new(3).await?;
    let mut left = w.left()?;
    left.connect().await?;
    settle(&mut [&mut left, &mut w.marco]).await?;
    assert_eq!(unreadable(&left, w.chat)?, 6, "{:?}", left.last_events());
    let waiting = left.engine.diagnose()?.waiting_for;
    assert_eq!(
        waiting.iter().map(|w| (w.conversation, w.epochs.len(), w.asked_at)).collect::<Vec<_>>(),
        [(w.chat, 3, None)]
    );

    wait_and_settle(&w.world, &mut [&mut left, &mut w.marco]).await?;
    assert_eq!(left.texts(w.chat)?, Week::said(3), "{:?} {:?}", left.last_events(), w.marco.last_events());
    let after = left.engine.diagnose()?;
    assert_eq!((after.waiting, after.waiting_for, after.refused, after.outgoing), (0, vec![], 0, 0));

    // Her other devices need not ask: the keyring has it now.
    let mut pc = SimDevice::new(&w.world, "pc")?;
    pc.link_to(&mut left, true).await?;
    left.disconnect();
    w.marco.disconnect();
    settle(&mut [&mut pc]).await?;
    assert_eq!(pc.texts(w.chat)?, Week::said(3), "{:?}", pc.last_events());
    w.marco.connect().await?;
    pc.say(w.chat, "back again")?;
    settle(&mut [&mut pc, &mut w.marco]).await?;
    assert_eq!(w.marco.texts(w.chat)?.last().unwrap(), "back again");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_comes_when_the_other_is_there_again() -> Result<()> {
    let mut w = Week::new(1).await?;
    w.marco.disconnect();
    let mut left = w.left()?;
    left.connect().await?;
    wait_and_settle(&w.world, &mut [&mut left]).await?;
    assert_eq!(unreadable(&left, w.chat)?, 2);
    assert!(left.engine.diagnose()?.waiting_for[0].asked_at.is_some());
    // The asker is off while the answer is given, and was killed in between.
    left.disconnect();
    drop(left);
    w.marco.connect().await?;
    wait_and_settle(&w.world, &mut [&mut w.marco]).await?;
    w.marco.disconnect();
    let mut left = w.left()?;
    left.connect().await?;
    settle(&mut [&mut left]).await?;
    assert_eq!(left.texts(w.chat)?, Week::said(1), "{:?}", left.last_events());
    Ok(())
}

/// Who could have answered was rebuilding its store as it was asked, and saw nothing of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nobody_answered_is_asked_for_anew_after_a_day_on_the_same_connection() -> Result<()> {
    let mut w = Week::new(1).await?;
    w.marco.disconnect();
    let mut left = w.left()?;
    left.connect().await?;
    wait_and_settle(&w.world, &mut [&mut left]).await?;
    assert!(left.engine.diagnose()?.waiting_for[0].asked_at.is_some());
    let now = w.marco.now();
    w.marco.engine.rebuild(now)?;
    w.marco.connect().await?;
    wait_and_settle(&w.world, &mut [&mut left, &mut w.marco]).await?;
    assert_eq!(unreadable(&left, w.chat)?, 2, "it was answered at once: this shows nothing");
    w.world.clock().advance(DAY);
    for _ in 0..2 {
        wait_and_settle(&w.world, &mut [&mut left, &mut w.marco]).await?;
    }
    assert_eq!(left.texts(w.chat)?, Week::said(1), "{:?}", left.last_events());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_asker_killed_at_any_frame_asks_on() -> Result<()> {
    let mut w = Week::new(2).await?;
    let mut left = w.left()?;
    left.connect().await?;
    settle(&mut [&mut left, &mut w.marco]).await?;
    w.world.clock().advance(6_000);
    let now = left.now();
    left.engine.tick(now)?;
    let mut taken = 0;
    for _ in 0..200 {
        let mut moved = left.send_one().await?;
        moved |= left.fetch_one(std::time::Duration::from_millis(1)).await;
        if left.deliver_one()? {
            copy(&w.world, "left.db", &format!("copy {taken}.db"))?;
            taken += 1;
            moved = true;
        }
        settle(&mut [&mut w.marco]).await?;
        if !moved && unreadable(&left, w.chat)? == 0 {
            break;
        }
    }
    assert_eq!(left.texts(w.chat)?, Week::said(2), "{:?}", left.last_events());
    left.disconnect();
    assert!(taken > 3, "{taken} copies");
    for i in 0..taken {
        let store = w.world.folder().join(format!("copy {i}.db"));
        let mut revived = SimDevice::at(&w.world, &format!("copy {i}"), &store)?;
        revived.connect().await?;
        settle(&mut [&mut revived, &mut w.marco]).await?;
        wait_and_settle(&w.world, &mut [&mut revived, &mut w.marco]).await?;
        assert_eq!(revived.texts(w.chat)?, Week::said(2), "copy {i}: {:?}", revived.last_events());
        revived.disconnect();
    }
    Ok(())
}

/// Makes a device answer with keys that are none: those of all epochs but the newest are others.
fn lie_about_keys(world: &World, store: &str, conversation: ConversationId) -> Result<()> {
    let db = Connection::open(world.folder().join(store))?;
    let changed = db.execute(
        "UPDATE key SET secret = randomblob(32) WHERE conversation = ?1
         AND epoch < (SELECT max(epoch) FROM key WHERE conversation = ?1)",
        [conversation.as_bytes()],
    )?;
    assert!(changed > 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_answer_is_noticed_and_destroys_nothing() -> Result<()> {
    let Week { world, mut marco, chat } = Week::new(1).await?;
    world.clock().advance(8 * DAY);
    marco.say(chat, "week 2")?;
    settle(&mut [&mut marco]).await?;
    marco.disconnect();
    drop(marco);
    copy(&world, "marco.db", "honest.db")?;
    lie_about_keys(&world, "marco.db", chat)?;
    let mut liar = SimDevice::at(&world, "liar", &world.folder().join("marco.db"))?;
    let mut left = SimDevice::at(&world, "what is left", &world.folder().join("left.db"))?;
    liar.connect().await?;
    left.connect().await?;
    settle(&mut [&mut left, &mut liar]).await?;
    wait_and_settle(&world, &mut [&mut left, &mut liar]).await?;
    let wrong = |d: &SimDevice| {
        d.events
            .iter()
            .filter(|e| matches!(e, Event::Misbehaviour { what: Misbehaviour::WrongKey(_), .. }))
            .count()
    };
    assert_eq!(wrong(&left), 1, "{:?}", left.events);
    assert_eq!(unreadable(&left, chat)?, 2, "what the liar knew rightly is read");
    assert_eq!(left.engine.diagnose()?.refused, 0);
    // Asked again and again, it is not believed again.
    world.clock().advance(DAY);
    wait_and_settle(&world, &mut [&mut left, &mut liar]).await?;
    assert_eq!((wrong(&left), unreadable(&left, chat)?), (1, 2));
    Ok(())
}

/// A group of these names; everybody's store is a file of that name.
async fn group_of(world: &World, names: &[&str]) -> Result<(Vec<SimDevice>, ConversationId)> {
    let mut devices = Vec::new();
    for name in names {
        let mut device = SimDevice::at(world, name, &world.folder().join(format!("{name}.db")))?;
        device.register(name).await?;
        devices.push(device);
    }
    let mut members = Vec::new();
    for name in &names[1..] {
        members.push(devices[0].find(name).await?);
    }
    let now = devices[0].now();
    let group = devices[0].engine.create_conversation("Gita", &members, now)?;
    devices[0].say(group, "first")?;
    let mut all: Vec<_> = devices.iter_mut().collect();
    settle(&mut all).await?;
    for device in &devices {
        assert_eq!(device.texts(group)?, ["first"], "{} {:?}", device.name, device.last_events());
    }
    Ok((devices, group))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_one_lies_another_is_heard() -> Result<()> {
    let world = World::new().await?;
    let (mut devices, group) = group_of(&world, &["anna", "bruno", "carla"]).await?;
    let mut carla = devices.pop().unwrap();
    carla.disconnect();
    drop(carla);
    forget_group(&world, "carla.db", group)?;
    let (mut bruno, mut anna) = (devices.pop().unwrap(), devices.pop().unwrap());
    for text in ["second", "third"] {
        world.clock().advance(8 * DAY);
        anna.say(group, text)?;
        settle(&mut [&mut anna, &mut bruno]).await?;
    }
    bruno.disconnect();
    drop(bruno);
    lie_about_keys(&world, "bruno.db", group)?;
    let mut liar = SimDevice::at(&world, "bruno", &world.folder().join("bruno.db"))?;
    let mut carla = SimDevice::at(&world, "carla", &world.folder().join("carla.db"))?;
    // The liar is there first, and alone.
    anna.disconnect();
    liar.connect().await?;
    carla.connect().await?;
    settle(&mut [&mut carla, &mut liar]).await?;
    wait_and_settle(&world, &mut [&mut carla, &mut liar]).await?;
    assert_eq!(unreadable(&carla, group)?, 1, "{:?}", carla.last_events());
    anna.connect().await?;
    wait_and_settle(&world, &mut [&mut anna, &mut carla, &mut liar]).await?;
    assert_eq!(carla.texts(group)?, ["first", "second", "third"], "{:?}", carla.last_events());
    Ok(())
}

fn answers(device: &SimDevice, group: ConversationId) -> usize {
    let is_answer = |request: &Request| match request {
        Request::PutSlots(put) => put.conversation == group && put.writes.iter().any(|w| !w.head),
        _ => false,
    };
    device.recorded().iter().filter(|f| is_answer(&f.request)).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_members_few_answer() -> Result<()> {
    let world = World::new().await?;
    let names = ["anna", "bruno", "carla", "dario", "elena", "fabio", "gaia", "ivo", "lara", "mario"];
    let (mut devices, group) = group_of(&world, &names).await?;
    let mut mario = devices.pop().unwrap();
    mario.disconnect();
    drop(mario);
    forget_group(&world, "mario.db", group)?;
    world.clock().advance(8 * DAY);
    devices[0].say(group, "second")?;
    let mut all: Vec<_> = devices.iter_mut().collect();
    settle(&mut all).await?;
    devices.iter_mut().for_each(SimDevice::record);
    let mut mario = SimDevice::at(&world, "mario", &world.folder().join("mario.db"))?;
    mario.connect().await?;
    let mut all: Vec<_> = devices.iter_mut().chain([&mut mario]).collect();
    settle(&mut all).await?;
    world.clock().advance(6_000);
    // The turns are taken in real time.
    for _ in 0..80 {
        settle(&mut all).await?;
        if all.last().unwrap().texts(group)?.last().is_some_and(|text| text == "second") {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    drop(all);
    assert_eq!(mario.texts(group)?, ["first", "second"], "{:?}", mario.last_events());
    let answered: usize = devices.iter().map(|d| answers(d, group)).sum();
    assert!((1..=4).contains(&answered), "{answered} of nine answered");
    Ok(())
}

/// Puts an ask of a hostile device into its outbox: for every epoch there can be.
fn ask_for_everything(world: &World, store: &str, group: ConversationId, device: &str) -> Result<()> {
    let name = format!("ask/{device}");
    let mut ask = vec![0x82, 0x58, 0x20];
    ask.extend([9; 32]);
    ask.push(0x98);
    ask.push(40);
    for epoch in 0..40u8 {
        ask.push(0x82);
        if epoch < 24 {
            ask.push(epoch);
        } else {
            ask.extend([0x18, epoch]);
        }
        ask.push(0x80);
    }
    let mut payload = vec![0x83, 0x78, u8::try_from(name.len())?];
    payload.extend(name.as_bytes());
    payload.extend([0x58, u8::try_from(ask.len())?]);
    payload.extend(ask);
    payload.push(0xf4);
    let db = Connection::open(world.folder().join(store))?;
    db.execute(
        "INSERT INTO outbox(conversation, kind, payload, created_at, name, tried) VALUES(?1, 1, ?2, 0, ?3, 0)",
        params![group.as_bytes(), payload, name],
    )?;
    Ok(())
}

/// How often others answered an ask of `hostile`'s for every epoch there can be, and the epochs that they gave.
async fn answers_to_hostile(
    world: &World,
    hostile: &mut SimDevice,
    store: &str,
    group: ConversationId,
    other: &mut SimDevice,
) -> Result<usize> {
    let device = hostile.engine.whoami().unwrap().2.to_string();
    hostile.disconnect();
    ask_for_everything(world, store, group, &device)?;
    hostile.connect().await?;
    other.record();
    settle(&mut [hostile, other]).await?;
    wait_and_settle(world, &mut [hostile, other]).await?;
    let asked: i64 = Connection::open(world.folder().join(store))?.query_row(
        "SELECT count(*) FROM slot WHERE name = ?1",
        [format!("ask/{device}")],
        |row| row.get(0),
    )?;
    assert_eq!(asked, 1, "the ask went out: {:?}", hostile.last_events());
    Ok(answers(other, group))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_starts_anew_or_comes_later_is_refused() -> Result<()> {
    let world = World::new().await?;
    let (mut devices, group) = group_of(&world, &["anna", "bruno"]).await?;
    let (mut bruno, mut anna) = (devices.pop().unwrap(), devices.pop().unwrap());
    bruno.say(group, "only for us")?;
    settle(&mut [&mut anna, &mut bruno]).await?;
    // Bruno lost everything and starts anew: another identity key, so another account; and anna lets it in.
    bruno.disconnect();
    let mut anew = SimDevice::at(&world, "bruno anew", &world.folder().join("anew.db"))?;
    anew.register("bruno2").await?;
    let id = anna.find("bruno2").await?;
    let now = anna.now();
    anna.engine.change_group(group, &GroupChange::Add(vec![id]), now)?;
    settle(&mut [&mut anna, &mut anew]).await?;
    anna.say(group, "for the three of us")?;
    settle(&mut [&mut anna, &mut anew]).await?;
    assert_eq!(anew.texts(group)?, ["for the three of us"]);

    let given = answers_to_hostile(&world, &mut anew, "anew.db", group, &mut anna).await?;
    assert_eq!(given, 1, "what it was in for is given");
    let db = Connection::open(world.folder().join("anew.db"))?;
    let joined: i64 =
        db.query_row("SELECT since_epoch FROM conversation WHERE id = ?1", [group.as_bytes()], |r| r.get(0))?;
    let (name, value): (String, Vec<u8>) =
        db.query_row("SELECT name, value FROM slot WHERE name LIKE 'answer/%'", [], |r| {
            Ok((r.get(0)?, r.get(1)?))
        })?;
    // [key, [epochs], sealed]
    assert_eq!(&value[..3], [0x83, 0x58, 0x20], "{name}");
    let count = usize::from(value[35] & 0x1f);
    let epochs = &value[36..36 + count];
    assert!(!epochs.is_empty() && epochs.iter().all(|e| i64::from(*e) > joined), "{epochs:?} after {joined}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_was_put_out_gets_no_answer() -> Result<()> {
    let world = World::new().await?;
    let (mut devices, group) = group_of(&world, &["anna", "bruno"]).await?;
    let (mut bruno, mut anna) = (devices.pop().unwrap(), devices.pop().unwrap());
    let device = bruno.engine.whoami().unwrap().2.to_string();
    anna.disconnect();
    bruno.disconnect();
    ask_for_everything(&world, "bruno.db", group, &device)?;
    bruno.connect().await?;
    settle(&mut [&mut bruno]).await?;
    // Anna puts him out before she has seen his ask.
    let id = bruno.account()?;
    let now = anna.now();
    anna.engine.change_group(group, &GroupChange::Remove(vec![id]), now)?;
    anna.record();
    anna.connect().await?;
    let mut gone = false;
    for _ in 0..50 {
        settle(&mut [&mut anna]).await?;
        gone = anna.engine.members(group)?.len() == 1;
        if gone {
            break;
        }
    }
    assert!(gone);
    wait_and_settle(&world, &mut [&mut anna, &mut bruno]).await?;
    let first_commit = anna.recorded().iter().position(|f| matches!(f.request, Request::Commit(_)));
    let first_answer = anna.recorded().iter().position(|f| {
        matches!(&f.request, Request::PutSlots(p) if p.conversation == group && p.writes.iter().any(|w| !w.head))
    });
    assert!(first_commit.is_some() && first_answer.is_none(), "{first_commit:?} {first_answer:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_device_and_one_that_asks_as_another_get_no_answer() -> Result<()> {
    let world = World::new().await?;
    let (mut devices, group) = group_of(&world, &["anna", "bruno"]).await?;
    let (mut bruno, mut anna) = (devices.pop().unwrap(), devices.pop().unwrap());
    let mut pc = SimDevice::at(&world, "bruno's pc", &world.folder().join("pc.db"))?;
    pc.link_to(&mut bruno, true).await?;
    anna.say(group, "for the pc too")?;
    settle(&mut [&mut anna, &mut bruno, &mut pc]).await?;
    anna.disconnect();
    // It asks in its own name, and in the phone's.
    let (phone_id, pc_id) = (bruno.engine.whoami().unwrap().2, pc.engine.whoami().unwrap().2);
    pc.disconnect();
    ask_for_everything(&world, "pc.db", group, &phone_id.to_string())?;
    ask_for_everything(&world, "pc.db", group, &pc_id.to_string())?;
    pc.connect().await?;
    settle(&mut [&mut bruno, &mut pc]).await?;
    let now = bruno.now();
    bruno.engine.revoke(pc_id, now)?;
    settle(&mut [&mut bruno, &mut pc]).await?;
    assert!(!pc.is_connected());
    anna.record();
    anna.connect().await?;
    settle(&mut [&mut anna, &mut bruno]).await?;
    wait_and_settle(&world, &mut [&mut anna, &mut bruno]).await?;
    assert_eq!(answers(&anna, group), 0, "{:?}", anna.last_events());
    anna.say(group, "without the pc")?;
    settle(&mut [&mut anna, &mut bruno]).await?;
    assert_eq!(bruno.texts(group)?, ["first", "for the pc too", "without the pc"]);
    Ok(())
}

/// Who lived through what Carla asks for is gone, her phone lost with it; what is left of Anna was not there, and has the
/// keys from the keyring.
async fn answered_by_a_sibling(group: bool) -> Result<()> {
    let world = World::new().await?;
    let (mut devices, group_id) = group_of(&world, &["anna", "carla"]).await?;
    let (mut carla, mut anna) = (devices.pop().unwrap(), devices.pop().unwrap());
    let chat = if group {
        group_id
    } else {
        let to = anna.find("carla").await?;
        let chat = anna.direct(to)?;
        anna.say(chat, "first")?;
        settle(&mut [&mut anna, &mut carla]).await?;
        chat
    };
    carla.disconnect();
    drop(carla);
    forget_group(&world, "carla.db", chat)?;
    for text in ["second", "third"] {
        world.clock().advance(8 * DAY);
        anna.say(chat, text)?;
        settle(&mut [&mut anna]).await?;
    }
    let mut pc = SimDevice::new(&world, "anna's pc")?;
    pc.link_to(&mut anna, true).await?;
    anna.say(chat, "now the pc is there too")?;
    settle(&mut [&mut anna, &mut pc]).await?;
    anna.disconnect();

    let mut carla = SimDevice::at(&world, "carla", &world.folder().join("carla.db"))?;
    carla.connect().await?;
    wait_and_settle(&world, &mut [&mut carla, &mut pc]).await?;
    wait_and_settle(&world, &mut [&mut carla, &mut pc]).await?;
    let said = ["first", "second", "third", "now the pc is there too"];
    assert_eq!(carla.texts(chat)?, said, "{:?} {:?}", carla.last_events(), pc.last_events());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sibling_of_a_lost_device_answers_in_a_group() -> Result<()> {
    answered_by_a_sibling(true).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sibling_of_a_lost_device_answers_in_a_direct_conversation() -> Result<()> {
    answered_by_a_sibling(false).await
}
