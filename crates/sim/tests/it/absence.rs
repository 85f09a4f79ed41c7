//! Devices that were off for long.
//!
//! `DIARIO_ABSENCE=full` runs the full size: 50,000 changes and 200 epochs in 90 days.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Result;
use diario_engine::{Event, MessageState};
use diario_protocol::{ConversationId, ServerFrame, What};
use diario_sim::{SimDevice, World, settle};

const DAY: u64 = 24 * 60 * 60 * 1000;

/// Epochs and messages in each.
fn size() -> (u64, u64) {
    if std::env::var("DIARIO_ABSENCE").is_ok_and(|v| v == "full") { (200, 250) } else { (40, 20) }
}

/// Signal-Desktop#2951, #5596: what came while a device was off is there, all of it, with one connection and no push.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_off_for_ninety_days_reads_and_writes() -> Result<()> {
    let (epochs, each) = size();
    let world = World::new().await?;
    let mut giulia = SimDevice::new(&world, "giulia")?;
    // Epochs turn by the number of entries here.
    let turning =
        diario_engine::EngineConfig { epoch_entries: each, ..diario_engine::EngineConfig::default() };
    let mut marco = SimDevice::with_config(&world, "marco", turning)?;
    giulia.register("giulia").await?;
    marco.register("marco").await?;
    let to = giulia.find("marco").await?;
    let chat = giulia.direct(to)?;
    giulia.say(chat, "before")?;
    settle(&mut [&mut giulia, &mut marco]).await?;
    giulia.disconnect();
    for epoch in 0..epochs {
        for n in 0..each {
            marco.say(chat, &format!("{epoch}.{n}"))?;
        }
        settle(&mut [&mut marco]).await?;
        world.clock().advance(90 * DAY / epochs);
    }
    giulia.say(chat, "after ninety days")?;
    giulia.take_events();
    let begun = std::time::Instant::now();
    giulia.connect().await?;
    settle(&mut [&mut giulia, &mut marco]).await?;
    let took = begun.elapsed();
    let texts = giulia.texts(chat)?;
    let said = usize::try_from(epochs * each)?;
    assert_eq!(texts.len(), said + 2, "{:?}", giulia.last_events());
    assert_eq!((texts[0].as_str(), texts[said + 1].as_str()), ("before", "after ninety days"));
    let unread = giulia.messages(chat)?.iter().filter(|m| m.state == MessageState::Waiting).count();
    assert_eq!(unread, 0);
    assert!(
        !giulia.events.iter().any(|e| matches!(e, Event::Misbehaviour { .. })),
        "{:?}",
        giulia.last_events()
    );
    let state = giulia.engine.log_state(chat)?.unwrap();
    assert!(state.epoch.0 >= epochs - 1, "{state:?}");
    assert_eq!(marco.texts(chat)?.last().unwrap(), "after ninety days");
    eprintln!("{said} messages in {} epochs: caught up in {took:?}", state.epoch.0);
    Ok(())
}

/// Signal-Desktop#7005, #4513: a store that is damaged is filled anew; what only it had stays.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rebuild_in_the_middle_of_sending_loses_nothing() -> Result<()> {
    let world = World::new().await?;
    let mut giulia = SimDevice::at(&world, "giulia", &world.folder().join("giulia.db"))?;
    let mut marco = SimDevice::new(&world, "marco")?;
    giulia.register("giulia").await?;
    marco.register("marco").await?;
    let to = giulia.find("marco").await?;
    let chat = giulia.direct(to)?;
    for n in 0..20 {
        giulia.say(chat, &format!("old {n}"))?;
    }
    settle(&mut [&mut giulia, &mut marco]).await?;
    // Half of what is sent reaches the server, nothing of the answers comes back.
    for n in 0..10 {
        giulia.say(chat, &format!("new {n}"))?;
    }
    for _ in 0..5 {
        giulia.send_one().await?;
    }
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    giulia.disconnect();
    let now = giulia.now();
    giulia.engine.set_draft(chat, "half a thou", now)?;
    // Damaged: rows that say what nobody said, and some that are not there.
    {
        let db = rusqlite::Connection::open(world.folder().join("giulia.db"))?;
        db.execute_batch(
            "UPDATE message SET text = '?', content = x'00' WHERE seq % 3 = 0;
             DELETE FROM message WHERE seq % 5 = 0;
             UPDATE conversation SET log_hash = zeroblob(32) WHERE kind = 1;
             DELETE FROM slot;",
        )?;
    }
    drop(giulia);
    let mut giulia = SimDevice::at(&world, "giulia", &world.folder().join("giulia.db"))?;
    giulia.engine.rebuild(now)?;
    giulia.connect().await?;
    // Killed in the middle of it.
    for _ in 0..6 {
        giulia.send_one().await?;
        giulia.fetch_one(std::time::Duration::from_millis(20)).await;
        giulia.deliver_one()?;
    }
    giulia.disconnect();
    drop(giulia);
    let mut giulia = SimDevice::at(&world, "giulia", &world.folder().join("giulia.db"))?;
    giulia.connect().await?;
    settle(&mut [&mut giulia, &mut marco]).await?;
    let expected: Vec<_> =
        (0..20).map(|n| format!("old {n}")).chain((0..10).map(|n| format!("new {n}"))).collect();
    assert_eq!(marco.texts(chat)?, expected, "{:?}", marco.last_events());
    assert_eq!(giulia.texts(chat)?, expected, "{:?}", giulia.last_events());
    assert_eq!(giulia.engine.draft(chat)?, "half a thou");
    Ok(())
}

/// Epochs that others began between a rebuild and the next connection are followed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn epochs_between_a_rebuild_and_the_next_connection_are_followed() -> Result<()> {
    let each = 3;
    let world = World::new().await?;
    let mut giulia = SimDevice::new(&world, "giulia")?;
    let turning =
        diario_engine::EngineConfig { epoch_entries: each, ..diario_engine::EngineConfig::default() };
    let mut marco = SimDevice::with_config(&world, "marco", turning)?;
    giulia.register("giulia").await?;
    marco.register("marco").await?;
    let to = giulia.find("marco").await?;
    let chat = giulia.direct(to)?;
    giulia.say(chat, "before")?;
    settle(&mut [&mut giulia, &mut marco]).await?;
    let before = giulia.engine.log_state(chat)?.unwrap().epoch;
    giulia.disconnect();
    giulia.engine.rebuild(giulia.now())?;
    for n in 0..2 * each {
        marco.say(chat, &format!("meanwhile {n}"))?;
        settle(&mut [&mut marco]).await?;
    }
    giulia.connect().await?;
    settle(&mut [&mut giulia, &mut marco]).await?;
    let back = giulia.engine.log_state(chat)?.unwrap().epoch;
    assert!(back > before, "no epoch began meanwhile");
    for n in 0..2 * each {
        marco.say(chat, &format!("live {n}"))?;
        settle(&mut [&mut giulia, &mut marco]).await?;
    }
    assert!(giulia.engine.log_state(chat)?.unwrap().epoch > back, "no epoch began live");
    follows_well(&giulia, chat)?;
    assert_eq!(giulia.texts(chat)?, marco.texts(chat)?);
    Ok(())
}

/// whatsmeow#858: one broken slot stops nothing else, and is replaced alone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broken_slot_does_not_stop_the_others() -> Result<()> {
    let world = World::new().await?;
    let mut phone = SimDevice::new(&world, "phone")?;
    let mut pc = SimDevice::new(&world, "pc")?;
    phone.register("giulia").await?;
    pc.link_to(&mut phone, true).await?;
    let mut chats = Vec::new();
    for name in ["anna", "bruno", "carla"] {
        let mut other = SimDevice::new(&world, name)?;
        other.register(name).await?;
        let to = phone.find(name).await?;
        let chat = phone.direct(to)?;
        phone.say(chat, "hello")?;
        settle(&mut [&mut phone, &mut pc, &mut other]).await?;
        chats.push(chat);
    }
    let mut broken = 0;
    pc.tamper(move |mut frame| {
        if let ServerFrame::Changes(changes) = &mut frame {
            for change in &mut changes.items {
                if let What::Slot(slot) = &mut change.what
                    && broken == 0
                {
                    let last = slot.body.0.len() - 1;
                    slot.body.0[last] ^= 1;
                    broken += 1;
                }
            }
        }
        vec![frame]
    });
    let pinned = diario_engine::Arrangement { pinned: true, muted: false };
    for chat in &chats {
        let now = phone.now();
        phone.engine.arrange(*chat, pinned, now)?;
        settle(&mut [&mut phone, &mut pc]).await?;
    }
    let is_pinned = |device: &SimDevice| -> Result<Vec<bool>> {
        let row = |chat: &diario_protocol::ConversationId| device.engine.conversation_row(*chat);
        chats.iter().map(|chat| Ok(row(chat)?.is_some_and(|c| c.pinned))).collect()
    };
    assert_eq!(is_pinned(&pc)?, [false, true, true], "{:?}", pc.last_events());
    // Whoever writes it next, or reads it again, has it.
    pc.trust();
    pc.disconnect();
    let now = pc.now();
    pc.engine.rebuild(now)?;
    pc.connect().await?;
    settle(&mut [&mut phone, &mut pc]).await?;
    assert_eq!(is_pinned(&pc)?, [true, true, true], "{:?}", pc.last_events());
    Ok(())
}

/// Lets a pc into marco's account, which joins a conversation, writes there, and is revoked.
async fn a_pc_comes_and_goes(marco: &mut SimDevice, pc: &mut SimDevice, chat: ConversationId) -> Result<()> {
    pc.link_to(marco, true).await?;
    settle(&mut [marco, pc]).await?;
    marco.say(chat, "with a pc")?;
    settle(&mut [marco, pc]).await?;
    pc.say(chat, "from the pc")?;
    settle(&mut [marco, pc]).await?;
    let gone = pc.engine.whoami().unwrap().2;
    marco.engine.revoke(gone, marco.now())?;
    settle(&mut [marco, pc]).await?;
    marco.say(chat, "without it")?;
    settle(&mut [marco]).await
}

fn follows_well(device: &SimDevice, chat: ConversationId) -> Result<()> {
    let honest = !device.events.iter().any(|e| matches!(e, Event::Misbehaviour { .. }));
    assert!(honest, "{:?}", device.last_events());
    assert!(device.engine.log_state(chat)?.unwrap().in_group);
    Ok(())
}

/// Commits that come after a welcome are of their time, and the newest lists are there before them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_welcome_of_before_a_device_came_and_went_is_followed() -> Result<()> {
    let world = World::new().await?;
    let mut giulia = SimDevice::new(&world, "giulia")?;
    let mut marco = SimDevice::new(&world, "marco")?;
    let mut pc = SimDevice::new(&world, "marco's pc")?;
    giulia.register("giulia").await?;
    marco.register("marco").await?;
    let to = marco.find("giulia").await?;
    settle(&mut [&mut giulia, &mut marco]).await?;
    giulia.disconnect();
    let chat = marco.engine.create_conversation("Gita", &[to], marco.now())?;
    marco.say(chat, "who comes along?")?;
    settle(&mut [&mut marco]).await?;
    a_pc_comes_and_goes(&mut marco, &mut pc, chat).await?;
    giulia.connect().await?;
    settle(&mut [&mut giulia, &mut marco]).await?;
    assert_eq!(giulia.texts(chat)?, marco.texts(chat)?);
    follows_well(&giulia, chat)
}

/// The same of commits in a part of the log that was fetched because something of the stream was lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gap_in_which_a_device_came_and_went_is_followed() -> Result<()> {
    let world = World::new().await?;
    let mut giulia = SimDevice::new(&world, "giulia")?;
    let mut marco = SimDevice::new(&world, "marco")?;
    let mut pc = SimDevice::new(&world, "marco's pc")?;
    giulia.register("giulia").await?;
    marco.register("marco").await?;
    let to = giulia.find("marco").await?;
    let chat = giulia.direct(to)?;
    giulia.say(chat, "before")?;
    settle(&mut [&mut giulia, &mut marco]).await?;
    let losing = Arc::new(AtomicBool::new(true));
    let loses = Arc::clone(&losing);
    giulia.tamper(move |frame| match frame {
        ServerFrame::Changes(mut changes) if loses.load(Ordering::Relaxed) => {
            changes.items.retain(|change| !matches!(change.what, What::Entry(_)));
            vec![ServerFrame::Changes(changes)]
        }
        frame => vec![frame],
    });
    a_pc_comes_and_goes(&mut marco, &mut pc, chat).await?;
    settle(&mut [&mut giulia, &mut marco]).await?;
    assert_eq!(giulia.texts(chat)?, ["before"]);
    losing.store(false, Ordering::Relaxed);
    marco.say(chat, "and after")?;
    settle(&mut [&mut giulia, &mut marco]).await?;
    assert_eq!(giulia.texts(chat)?, marco.texts(chat)?);
    follows_well(&giulia, chat)
}
