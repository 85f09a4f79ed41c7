//! A device killed between any two of its transactions goes on from the store that it left.

use anyhow::Result;
use diario_engine::{Draft, Event, MessageState};
use diario_protocol::{ConversationId, Reply, ServerFrame};
use diario_sim::{SimDevice, World, settle};

/// Runs a scene on a device whose store is copied after every step, then revives each copy in turn.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_copy_of_the_store_goes_on() -> Result<()> {
    let world = World::new().await?;
    let mut marco = SimDevice::new(&world, "marco")?;
    marco.register("marco").await?;
    let store = world.folder().join("giulia.db");
    let copies = world.folder().join("copies");
    std::fs::create_dir_all(&copies)?;
    let mut giulia = SimDevice::at(&world, "giulia", &store)?;
    let server = world.url();
    let mut taken = 0;
    let mut copy = || -> Result<()> {
        let from = rusqlite::Connection::open(&store)?;
        from.execute("VACUUM INTO ?1", [copies.join(format!("{taken}.db")).to_string_lossy()])?;
        taken += 1;
        Ok(())
    };
    // Registration, first contact with its commit, messages: a copy after every frame either way.
    giulia.engine.register(&server, "giulia", "phone", None, giulia.now())?;
    copy()?;
    giulia.connect().await?;
    let mut chat = None;
    for round in 0..400 {
        let mut moved = giulia.send_one().await?;
        moved |= giulia.fetch_one(std::time::Duration::from_millis(1)).await;
        if giulia.deliver_one()? {
            copy()?;
            moved = true;
        }
        marco.send_one().await?;
        marco.fetch_one(std::time::Duration::from_millis(1)).await;
        marco.deliver_one()?;
        match round {
            60 => {
                let name = "marco".parse()?;
                giulia.engine.look_up(&name, giulia.now())?;
            }
            100 => {
                let to = giulia.engine.account_named(&"marco".parse()?)?.unwrap();
                chat = Some(giulia.direct(to)?);
                giulia.say(chat.unwrap(), "one")?;
                giulia.say(chat.unwrap(), "two")?;
                copy()?;
            }
            200 => drop(marco.say(chat.unwrap(), "three")?),
            _ if !moved && round > 250 => break,
            _ => {}
        }
    }
    let chat = chat.unwrap();
    settle(&mut [&mut giulia, &mut marco]).await?;
    assert_eq!(giulia.texts(chat)?, ["one", "two", "three"]);
    giulia.disconnect();
    drop(giulia);
    assert!(taken > 15, "{taken} copies");
    // Each copy goes on where the others have gone on before: like a store restored from an old backup.
    for i in 0..taken {
        let mut revived = SimDevice::at(&world, &format!("copy {i}"), &copies.join(format!("{i}.db")))?;
        revived.connect().await?;
        settle(&mut [&mut revived, &mut marco]).await?;
        assert!(revived.engine.is_live(), "copy {i}: {:?}", revived.last_events());
        assert_eq!(revived.texts(chat)?, marco.texts(chat)?, "copy {i}: {:?}", revived.last_events());
        let text = format!("from copy {i}");
        revived.say(chat, &text)?;
        settle(&mut [&mut revived, &mut marco]).await?;
        let words = marco.texts(chat)?;
        assert_eq!(words.last(), Some(&text), "copy {i}: {:?} {:?}", revived.events, marco.last_events());
        assert_eq!(words.iter().filter(|w| **w == text).count(), 1, "copy {i}");
        revived.disconnect();
    }
    Ok(())
}

/// A primary that was put back from a copy, and that the server does not let into the newest epoch yet, lets a device in.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_primary_that_is_not_in_the_newest_epoch_lets_a_device_in() -> Result<()> {
    let world = World::new().await?;
    let store = world.folder().join("phone.db");
    let copy = world.folder().join("copy.db");
    let mut phone = SimDevice::at(&world, "phone", &store)?;
    phone.register("giulia").await?;
    let (mut pc, mut lost) = (SimDevice::new(&world, "pc")?, SimDevice::new(&world, "lost")?);
    pc.link_to(&mut phone, true).await?;
    lost.link_to(&mut phone, true).await?;
    settle(&mut [&mut phone, &mut pc, &mut lost]).await?;
    rusqlite::Connection::open(&store)?.execute("VACUUM INTO ?1", [copy.to_string_lossy()])?;
    pc.disconnect();
    phone.engine.revoke(lost.engine.whoami().unwrap().2, phone.now())?;
    settle(&mut [&mut phone, &mut lost]).await?;
    pc.connect().await?;
    settle(&mut [&mut phone, &mut pc]).await?;
    let own = ConversationId::of_self(phone.account()?);
    phone.disconnect();
    drop(phone);
    let mut phone = SimDevice::at(&world, "phone from a copy", &copy)?;
    // Never answered.
    phone.tamper(|frame| match frame {
        ServerFrame::Reply(_, Reply::GroupState(_)) => vec![],
        other => vec![other],
    });
    phone.connect().await?;
    settle(&mut [&mut phone, &mut pc]).await?;
    assert!(phone.engine.log_state(own)?.is_some_and(|state| !state.in_group), "its own commit is gone");
    let mut tablet = SimDevice::new(&world, "tablet")?;
    tablet.link_to(&mut phone, true).await?;
    phone.trust();
    phone.disconnect();
    phone.connect().await?;
    settle(&mut [&mut phone, &mut pc, &mut tablet]).await?;
    for device in [&phone, &pc, &tablet] {
        let state = device.engine.log_state(own)?;
        assert!(state.is_some_and(|state| state.in_group), "{}: {:?}", device.name, device.last_events());
        assert_eq!(device.engine.diagnose()?.waiting, 0, "{}", device.name);
    }
    Ok(())
}

/// An entry may leave before it is on disk: a device whose power was cut in between has it from the server, once, and
/// whoever says it again, since nobody told them that it was kept, says the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_left_before_it_was_on_disk_comes_back() -> Result<()> {
    let world = World::new().await?;
    let (store, copy) = (world.folder().join("giulia.db"), world.folder().join("after the cut.db"));
    let mut giulia = SimDevice::synced_at(&world, "giulia", &store)?;
    let mut marco = SimDevice::new(&world, "marco")?;
    giulia.register("giulia").await?;
    marco.register("marco").await?;
    let to = giulia.find("marco").await?;
    let chat = giulia.direct(to)?;
    giulia.say(chat, "one")?;
    settle(&mut [&mut giulia, &mut marco]).await?;
    // What is on disk when the power is cut.
    let on_disk = rusqlite::Connection::open(&store)?;
    on_disk.execute("VACUUM INTO ?1", [copy.to_string_lossy()])?;
    drop(on_disk);

    let two = Draft::Text("two".into());
    let id = giulia.engine.send_salted(chat, &two, [7; 16], giulia.now())?;
    assert!(giulia.engine.must_sync(), "nobody is told yet");
    while giulia.send_one().await? {}
    assert!(!giulia.engine.must_sync());
    settle(&mut [&mut marco]).await?;
    giulia.disconnect();
    drop(giulia);

    let mut giulia = SimDevice::at(&world, "giulia after the cut", &copy)?;
    assert_eq!(giulia.texts(chat)?, ["one"]);
    assert_eq!(giulia.engine.send_salted(chat, &two, [7; 16], giulia.now())?, id, "the same again");
    giulia.connect().await?;
    settle(&mut [&mut giulia, &mut marco]).await?;
    giulia.say(chat, "three")?;
    settle(&mut [&mut giulia, &mut marco]).await?;
    for device in [&giulia, &marco] {
        assert_eq!(device.texts(chat)?, ["one", "two", "three"], "{}", device.name);
        let bad = |e: &&Event| matches!(e, Event::Misbehaviour { .. } | Event::Failed { .. });
        assert_eq!(device.events.iter().find(bad), None, "{}", device.name);
    }
    assert!(giulia.messages(chat)?.iter().all(|m| m.state != MessageState::Pending));
    assert_eq!(giulia.engine.diagnose()?.outgoing, 0);
    Ok(())
}
