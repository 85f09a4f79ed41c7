//! Conversations of more than two.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use anyhow::Result;
use diario_engine::{Event, GroupChange, MessageState};
use diario_protocol::{AccountId, ConversationId, Refusal, Reply, Request, ServerFrame};
use diario_sim::{SimDevice, World, settle};

use crate::cast::two;

/// Carla has a group with Anna; Bruno, who is not in it, has asked about Anna on the same connection.
async fn group_without_bruno() -> Result<(World, [SimDevice; 3], ConversationId, AccountId)> {
    let (world, mut anna, mut bruno, _) = two().await?;
    let mut carla = SimDevice::new(&world, "carla")?;
    carla.register("carla").await?;
    bruno.find("anna").await?;
    let (anna_id, bruno_id) = (carla.find("anna").await?, carla.find("bruno").await?);
    let group = carla.engine.create_conversation("Gita", &[anna_id], carla.now())?;
    settle(&mut [&mut anna, &mut carla]).await?;
    Ok((world, [anna, bruno, carla], group, bruno_id))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_come_go_and_leave() -> Result<()> {
    let world = World::new().await?;
    let mut anna = SimDevice::new(&world, "anna")?;
    let mut bruno = SimDevice::new(&world, "bruno")?;
    let mut carla = SimDevice::new(&world, "carla")?;
    anna.register("anna").await?;
    bruno.register("bruno").await?;
    carla.register("carla").await?;
    let (bruno_id, carla_id) = (anna.find("bruno").await?, anna.find("carla").await?);
    let now = anna.now();
    let group = anna.engine.create_conversation("Gita", &[bruno_id], now)?;
    anna.say(group, "only anna and bruno")?;
    settle(&mut [&mut anna, &mut bruno, &mut carla]).await?;
    assert_eq!(bruno.texts(group)?, ["only anna and bruno"], "{:?} {:?}", anna.events, bruno.last_events());
    assert_eq!(bruno.engine.conversation_row(group)?.unwrap().title, "Gita");
    assert!(carla.engine.conversation_row(group)?.is_none());

    bruno.engine.change_group(group, &GroupChange::Add(vec![carla_id]), now)?;
    settle(&mut [&mut anna, &mut bruno, &mut carla]).await?;
    carla.say(group, "hello from carla")?;
    settle(&mut [&mut anna, &mut bruno, &mut carla]).await?;
    assert_eq!(carla.texts(group)?, ["hello from carla"], "what came before she joined is not hers");
    assert_eq!(anna.texts(group)?, ["only anna and bruno", "hello from carla"]);
    assert_eq!(carla.engine.members(group)?.len(), 3);
    assert_eq!(carla.engine.conversation_row(group)?.unwrap().title, "Gita", "{:?}", carla.last_events());

    bruno.disconnect();
    carla.take_events();
    anna.engine.change_group(group, &GroupChange::Remove(vec![bruno_id]), now)?;
    anna.say(group, "bruno does not read this")?;
    settle(&mut [&mut anna, &mut carla]).await?;
    assert!(carla.events.iter().any(|e| matches!(e, Event::Entry { .. })), "that bruno went is in the log");
    let too_late = bruno.say(group, "written too late")?;
    bruno.take_events();
    bruno.connect().await?;
    settle(&mut [&mut anna, &mut bruno, &mut carla]).await?;
    assert_eq!(bruno.engine.message(group, too_late)?.unwrap().state, MessageState::Failed);
    assert!(
        bruno.events.iter().any(|e| matches!(e, Event::Failed { id: Some(id), .. } if *id == too_late)),
        "a message that cannot be sent any more is told: {:?}",
        bruno.last_events()
    );
    assert_eq!(carla.texts(group)?.last().unwrap(), "bruno does not read this");
    assert_eq!(bruno.texts(group)?, ["only anna and bruno", "hello from carla", "written too late"]);
    assert!(!bruno.engine.conversation_row(group)?.unwrap().open);
    assert!(bruno.say(group, "am I still here?").is_err());

    carla.engine.change_group(group, &GroupChange::Leave, now)?;
    settle(&mut [&mut anna, &mut bruno, &mut carla]).await?;
    anna.say(group, "alone now")?;
    settle(&mut [&mut anna, &mut bruno, &mut carla]).await?;
    assert_eq!(anna.engine.members(group)?.len(), 1);
    assert_eq!(carla.texts(group)?.last().unwrap(), "bruno does not read this");

    // Bruno is taken in again, and reads what comes from then on.
    anna.engine.change_group(group, &GroupChange::Add(vec![bruno_id]), now)?;
    anna.say(group, "welcome back")?;
    settle(&mut [&mut anna, &mut bruno, &mut carla]).await?;
    assert!(bruno.texts(group)?.contains(&"welcome back".to_owned()), "{:?}", bruno.last_events());
    assert!(!bruno.texts(group)?.contains(&"alone now".to_owned()));
    Ok(())
}

/// The commit that was on its way is refused; that is nobody's fault.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_taken_out_in_the_middle_of_a_commit_accuses_nobody() -> Result<()> {
    let (world, mut anna, mut bruno, bruno_id) = two().await?;
    let group = anna.engine.create_conversation("Gita", &[bruno_id], anna.now())?;
    anna.say(group, "hello")?;
    settle(&mut [&mut anna, &mut bruno]).await?;
    // A new week begins with a new epoch.
    world.clock().advance(8 * 24 * 60 * 60 * 1000);
    anna.engine.change_group(group, &GroupChange::Remove(vec![bruno_id]), anna.now())?;
    settle(&mut [&mut anna]).await?;
    bruno.take_events();
    bruno.record();
    let too_late = bruno.say(group, "written too late")?;
    settle(&mut [&mut bruno]).await?;
    assert!(bruno.recorded().iter().any(|f| matches!(f.request, Request::Commit(_))), "no race");
    assert_eq!(bruno.engine.message(group, too_late)?.unwrap().state, MessageState::Failed);
    assert!(!bruno.events.iter().any(|e| matches!(e, Event::Misbehaviour { .. })), "{:?}", bruno.events);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unread_is_alike_on_a_device_that_came_after_a_return() -> Result<()> {
    let (world, mut anna, mut bruno, bruno_id) = two().await?;
    let now = anna.now();
    let group = anna.engine.create_conversation("Gita", &[bruno_id], now)?;
    for text in ["one", "two", "three"] {
        anna.say(group, text)?;
    }
    settle(&mut [&mut anna, &mut bruno]).await?;
    assert_eq!(bruno.engine.conversation_row(group)?.unwrap().unread, 3);

    for change in [GroupChange::Remove(vec![bruno_id]), GroupChange::Add(vec![bruno_id])] {
        anna.engine.change_group(group, &change, now)?;
        settle(&mut [&mut anna, &mut bruno]).await?;
    }
    anna.say(group, "welcome back")?;
    settle(&mut [&mut anna, &mut bruno]).await?;
    let mut pc = SimDevice::new(&world, "pc")?;
    pc.link_to(&mut bruno, true).await?;
    settle(&mut [&mut anna, &mut bruno, &mut pc]).await?;
    let unread =
        |device: &SimDevice| Ok::<_, anyhow::Error>(device.engine.conversation_row(group)?.unwrap().unread);
    assert_eq!((unread(&bruno)?, unread(&pc)?), (1, 1), "what was said before the return is in the past");

    let newest = bruno.engine.conversation_row(group)?.unwrap().head;
    bruno.engine.mark_read(group, newest, now)?;
    settle(&mut [&mut anna, &mut bruno, &mut pc]).await?;
    assert_eq!((unread(&bruno)?, unread(&pc)?), (0, 0));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_fails_too_if_a_rebuild_tells_that_the_group_was_left() -> Result<()> {
    let (_world, mut anna, mut bruno, bruno_id) = two().await?;
    let now = anna.now();
    let group = anna.engine.create_conversation("Gita", &[bruno_id], now)?;
    anna.say(group, "hello")?;
    settle(&mut [&mut anna, &mut bruno]).await?;

    bruno.disconnect();
    anna.engine.change_group(group, &GroupChange::Remove(vec![bruno_id]), now)?;
    settle(&mut [&mut anna]).await?;
    let too_late = bruno.say(group, "written too late")?;
    bruno.engine.rename_conversation(group, "Too late as well", now)?;
    bruno.engine.rebuild(now)?;
    bruno.connect().await?;
    settle(&mut [&mut anna, &mut bruno]).await?;
    assert_eq!(bruno.engine.message(group, too_late)?.unwrap().state, MessageState::Failed);
    assert!(
        bruno.events.iter().any(|e| matches!(e, Event::Failed { id: Some(id), .. } if *id == too_late)),
        "a message that cannot be sent any more is told: {:?}",
        bruno.last_events()
    );
    assert_eq!(bruno.engine.diagnose()?.outgoing, 0, "nothing waits for ever");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_said_between_coming_and_going_is_read_by_who_was_off_meanwhile() -> Result<()> {
    let world = World::new().await?;
    let mut anna = SimDevice::new(&world, "anna")?;
    let mut bruno = SimDevice::new(&world, "bruno")?;
    anna.register("anna").await?;
    bruno.register("bruno").await?;
    let mut pc = SimDevice::new(&world, "pc")?;
    pc.link_to(&mut bruno, true).await?;
    settle(&mut [&mut anna, &mut bruno, &mut pc]).await?;
    // Only now: a list from before would leave the PC out of the group.
    let bruno_id = anna.find("bruno").await?;
    let now = anna.now();

    bruno.disconnect();
    pc.disconnect();
    let group = anna.engine.create_conversation("Gita", &[bruno_id], now)?;
    anna.say(group, "while you are here")?;
    settle(&mut [&mut anna]).await?;
    anna.engine.change_group(group, &GroupChange::Remove(vec![bruno_id]), now)?;
    anna.say(group, "without you")?;
    settle(&mut [&mut anna]).await?;
    bruno.connect().await?;
    pc.connect().await?;
    settle(&mut [&mut anna, &mut bruno, &mut pc]).await?;
    for device in [&mut bruno, &mut pc] {
        assert_eq!(device.texts(group)?, ["while you are here"], "{:?}", device.last_events());
        assert!(!device.engine.conversation_row(group)?.unwrap().open);
        assert!(device.engine.log_state(group)?.is_some_and(|log| !log.in_group));
    }
    Ok(())
}

/// A device that the list did not have when the account was taken in: there is no welcome for it, only its sibling's keys.
#[tokio::test]
async fn what_was_said_between_coming_and_going_is_read_by_a_device_that_no_welcome_was_for() -> Result<()> {
    let (world, mut anna, mut bruno, bruno_id) = two().await?;
    let mut pc = SimDevice::new(&world, "pc")?;
    pc.link_to(&mut bruno, true).await?;
    settle(&mut [&mut anna, &mut bruno, &mut pc]).await?;
    let now = anna.now();

    bruno.disconnect();
    pc.disconnect();
    let group = anna.engine.create_conversation("Gita", &[bruno_id], now)?;
    anna.say(group, "while you are here")?;
    settle(&mut [&mut anna]).await?;
    let now = anna.now();
    anna.engine.change_group(group, &GroupChange::Remove(vec![bruno_id]), now)?;
    settle(&mut [&mut anna]).await?;
    pc.connect().await?;
    settle(&mut [&mut anna, &mut pc]).await?;
    bruno.connect().await?;
    settle(&mut [&mut anna, &mut bruno, &mut pc]).await?;
    for device in [&bruno, &pc] {
        assert_eq!(device.texts(group)?, ["while you are here"], "{:?}", device.last_events());
    }
    Ok(())
}

/// Nobody tells of devices of people with whom one shares nothing: how things stood when they were asked for last, on
/// the same connection, says nothing of a group that one comes into later.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_welcome_is_checked_against_lists_that_are_newer_than_it() -> Result<()> {
    let (world, [mut anna, mut bruno, mut carla], group, bruno_id) = group_without_bruno().await?;
    let now = carla.now();
    for name in ["pc", "tablet"] {
        let mut device = SimDevice::new(&world, name)?;
        device.link_to(&mut anna, true).await?;
        device.say(group, "so it is in the group")?;
        settle(&mut [&mut anna, &mut carla, &mut device]).await?;
        carla.engine.change_group(group, &GroupChange::Add(vec![bruno_id]), now)?;
        settle(&mut [&mut anna, &mut bruno, &mut carla, &mut device]).await?;
        let accused = |e: &Event| matches!(e, Event::Misbehaviour { .. });
        assert!(!bruno.events.iter().any(accused), "{name}: {:?}", bruno.last_events());
        carla.say(group, name)?;
        settle(&mut [&mut anna, &mut bruno, &mut carla, &mut device]).await?;
        assert!(bruno.texts(group)?.contains(&name.to_owned()), "{:?}", bruno.last_events());
        carla.engine.change_group(group, &GroupChange::Remove(vec![bruno_id]), now)?;
        settle(&mut [&mut anna, &mut bruno, &mut carla, &mut device]).await?;
    }
    Ok(())
}

/// The same while the server is too busy to tell of them: once it is not, nothing else has to come by.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_comes_in_asks_again_for_lists_that_were_refused() -> Result<()> {
    let (world, [mut anna, mut bruno, mut carla], group, bruno_id) = group_without_bruno().await?;
    let now = carla.now();
    let mut pc = SimDevice::new(&world, "pc")?;
    pc.link_to(&mut anna, true).await?;
    pc.say(group, "so it is in the group")?;
    settle(&mut [&mut anna, &mut carla, &mut pc]).await?;
    let busy = Arc::new(AtomicBool::new(true));
    let is_busy = Arc::clone(&busy);
    bruno.tamper(move |frame| match frame {
        ServerFrame::Reply(id, Reply::DeviceLists(_) | Reply::Accounts(_)) if is_busy.load(Relaxed) => {
            vec![ServerFrame::Refused(id, Refusal::StorageUnavailable)]
        }
        other => vec![other],
    });
    carla.engine.change_group(group, &GroupChange::Add(vec![bruno_id]), now)?;
    settle(&mut [&mut anna, &mut bruno, &mut carla, &mut pc]).await?;
    let is_in = |bruno: &SimDevice| -> Result<bool> {
        Ok(bruno.engine.log_state(group)?.is_some_and(|state| state.in_group))
    };
    assert!(!is_in(&bruno)?, "the welcome names a device that no list here has");
    busy.store(false, Relaxed);
    world.clock().advance(6_000);
    settle(&mut [&mut bruno]).await?;
    assert!(is_in(&bruno)?, "{:?}", bruno.last_events());
    Ok(())
}

/// A welcome lies behind the log, and the connection goes before the commits between have come: the next commit brings
/// them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_was_cut_off_while_it_came_in_fetches_the_commits_later() -> Result<()> {
    let (world, mut anna, mut bruno, bruno_id) = two().await?;
    let mut carla = SimDevice::new(&world, "carla")?;
    carla.register("carla").await?;
    let carla_id = anna.find("carla").await?;
    let now = anna.now();
    let group = anna.engine.create_conversation("Gita", &[], now)?;
    settle(&mut [&mut anna]).await?;
    bruno.disconnect();
    for change in [GroupChange::Add(vec![bruno_id]), GroupChange::Add(vec![carla_id])] {
        anna.engine.change_group(group, &change, now)?;
        settle(&mut [&mut anna, &mut carla]).await?;
    }
    bruno.tamper(|frame| match frame {
        ServerFrame::Reply(_, Reply::Log(_)) => vec![],
        other => vec![other],
    });
    bruno.connect().await?;
    settle(&mut [&mut bruno]).await?;
    bruno.disconnect();
    bruno.trust();
    bruno.connect().await?;
    settle(&mut [&mut anna, &mut bruno, &mut carla]).await?;
    anna.engine.change_group(group, &GroupChange::Remove(vec![carla_id]), now)?;
    anna.say(group, "only the two of us")?;
    settle(&mut [&mut anna, &mut bruno, &mut carla]).await?;
    let accused = |e: &&Event| matches!(e, Event::Misbehaviour { .. });
    assert_eq!(bruno.events.iter().find(accused), None);
    assert!(bruno.engine.log_state(group)?.is_some_and(|state| state.in_group));
    assert_eq!(bruno.texts(group)?, anna.texts(group)?);
    Ok(())
}

/// Commits that a group lies behind bring the lists of their time: devices that came and went are in no newer one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rebuilt_device_follows_commits_with_devices_that_came_and_went() -> Result<()> {
    let (world, mut anna, mut bruno, to) = two().await?;
    let chat = anna.direct(to)?;
    anna.say(chat, "hello")?;
    settle(&mut [&mut anna, &mut bruno]).await?;
    bruno.disconnect();
    let mut pc = SimDevice::new(&world, "pc")?;
    pc.link_to(&mut anna, true).await?;
    anna.say(chat, "with a pc")?;
    settle(&mut [&mut anna, &mut pc]).await?;
    let (_, _, device) = pc.engine.whoami().unwrap();
    anna.engine.revoke(device, anna.now())?;
    settle(&mut [&mut anna, &mut pc]).await?;
    anna.say(chat, "without it")?;
    settle(&mut [&mut anna]).await?;
    bruno.engine.rebuild(bruno.now())?;
    bruno.take_events();
    bruno.connect().await?;
    settle(&mut [&mut anna, &mut bruno]).await?;
    let accused = |e: &&Event| matches!(e, Event::Misbehaviour { .. });
    assert_eq!(bruno.events.iter().find(accused), None);
    assert_eq!(bruno.texts(chat)?, anna.texts(chat)?);
    Ok(())
}

/// The answer to a new device list overtakes the stream, in which somebody still takes the removed device in.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_removes_a_device_accuses_nobody_who_took_it_in_before() -> Result<()> {
    let (world, mut anna, mut bruno, bruno_id) = two().await?;
    let mut tablet = SimDevice::new(&world, "anna's tablet")?;
    let chat = anna.direct(bruno_id)?;
    anna.say(chat, "one")?;
    settle(&mut [&mut anna, &mut bruno]).await?;
    tablet.link_to(&mut anna, true).await?;
    settle(&mut [&mut anna, &mut tablet, &mut bruno]).await?;
    tablet.disconnect();
    bruno.say(chat, "two, for the tablet too")?;
    settle(&mut [&mut bruno]).await?;
    let mut held = Vec::new();
    let mut removed = false;
    anna.tamper(move |frame| {
        removed |= matches!(frame, ServerFrame::Reply(_, Reply::Done));
        let is_late = removed || !matches!(frame, ServerFrame::Changes(_));
        if !is_late {
            held.push(frame);
            return vec![];
        }
        let mut due = vec![frame];
        due.append(&mut held);
        due
    });
    let lost = tablet.engine.whoami().map(|(_, _, device)| device).expect("it is linked");
    anna.engine.revoke(lost, anna.now())?;
    settle(&mut [&mut anna, &mut bruno]).await?;
    bruno.say(chat, "three, without it")?;
    settle(&mut [&mut anna, &mut bruno]).await?;
    for device in [&anna, &bruno] {
        let accused = |e: &&Event| matches!(e, Event::Misbehaviour { .. });
        assert_eq!(device.events.iter().find(accused), None, "{}", device.name);
        let texts = ["one", "two, for the tablet too", "three, without it"];
        assert_eq!(device.texts(chat)?, texts, "{}", device.name);
    }
    Ok(())
}
