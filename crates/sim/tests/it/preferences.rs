//! What the devices of one account agree on: drafts, pins, mutes, settings, names, and who is told what was read.

use anyhow::Result;
use diario_engine::{Arrangement, ConversationRow, Draft, Event, MessageState, Settings};
use diario_protocol::{AccountId, Change, ConversationId, Seq, ServerFrame, What};
use diario_sim::{SimDevice, World, settle};

use crate::cast::Four;

fn row(device: &SimDevice, id: ConversationId) -> Result<ConversationRow> {
    let row = device.engine.conversation_row(id)?.unwrap();
    let listed = device.engine.conversation_rows()?.into_iter().find(|row| row.id == id);
    assert_eq!(listed.as_ref(), Some(&row), "the list and the row say the same");
    Ok(row)
}

fn draft(device: &SimDevice, id: ConversationId) -> Result<String> {
    Ok(row(device, id)?.draft)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_draft_is_on_all_own_devices_until_it_is_sent() -> Result<()> {
    let mut four = Four::new().await?;
    let now = four.giulia.now();
    four.giulia.engine.set_draft(four.chat, "dear Ma", now)?;
    four.giulia.engine.set_draft(four.chat, "dear Marco", now)?;
    assert_eq!(draft(&four.giulia, four.chat)?, "dear Marco", "at once");
    four.giulia_pc.take_events();
    four.settle().await?;
    assert_eq!(draft(&four.giulia_pc, four.chat)?, "dear Marco");
    assert!(four.giulia_pc.events.contains(&Event::Conversation(four.chat)));
    assert_eq!(draft(&four.marco, four.chat)?, "", "nobody else sees it");

    // The last writer wins, also over what waits on a device that was away.
    four.giulia.disconnect();
    four.giulia.engine.set_draft(four.chat, "from the phone", now)?;
    four.giulia_pc.engine.set_draft(four.chat, "from the pc", now)?;
    four.settle().await?;
    four.giulia.connect().await?;
    four.settle().await?;
    assert_eq!(draft(&four.giulia, four.chat)?, draft(&four.giulia_pc, four.chat)?);
    assert_eq!(draft(&four.giulia, four.chat)?, "from the phone");

    // Sent on one device, it is gone on both.
    four.giulia_pc.say(four.chat, "from the phone, sent by the pc")?;
    assert_eq!(draft(&four.giulia_pc, four.chat)?, "");
    four.settle().await?;
    assert_eq!(draft(&four.giulia, four.chat)?, "");
    four.agree()?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_set_offline_survives_a_restart_and_a_rebuild() -> Result<()> {
    let world = World::new().await?;
    let store = world.folder().join("phone.db");
    let mut phone = SimDevice::at(&world, "phone", &store)?;
    phone.register("giulia").await?;
    let own = ConversationId::of_self(phone.account()?);
    let mut pc = SimDevice::new(&world, "pc")?;
    pc.link_to(&mut phone, true).await?;
    phone.disconnect();
    let now = phone.now();
    let pinned = Arrangement { pinned: true, muted: true };
    phone.engine.set_draft(own, "milk", now)?;
    phone.engine.arrange(own, pinned, now)?;
    phone.engine.set_settings(Settings { receipts: false }, now)?;
    let device = phone.engine.whoami().unwrap().2;
    phone.engine.rename_device(device, "the old phone", now)?;
    drop(phone);

    let mut phone = SimDevice::at(&world, "phone", &store)?;
    let holds = |device: &SimDevice| -> Result<()> {
        let row = row(device, own)?;
        assert_eq!((row.draft.as_str(), row.pinned, row.muted), ("milk", true, true));
        assert!(!device.engine.settings()?.receipts);
        let names: Vec<_> = device.engine.devices(now)?.into_iter().map(|d| d.name).collect();
        assert!(names.contains(&"the old phone".to_owned()), "{names:?}");
        Ok(())
    };
    holds(&phone)?;
    phone.engine.rebuild(now)?;
    holds(&phone)?;
    phone.connect().await?;
    settle(&mut [&mut phone, &mut pc]).await?;
    holds(&phone)?;
    holds(&pc)?;
    assert!(pc.events.contains(&Event::Settings));

    // Once sent, it is the server's to give it back.
    pc.engine.rebuild(now)?;
    pc.disconnect();
    assert_eq!(row(&pc, own)?.draft, "");
    pc.connect().await?;
    settle(&mut [&mut phone, &mut pc]).await?;
    holds(&pc)?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_that_is_linked_later_knows_the_settings() -> Result<()> {
    let world = World::new().await?;
    let mut phone = SimDevice::new(&world, "phone")?;
    phone.register("giulia").await?;
    let own = ConversationId::of_self(phone.account()?);
    let now = phone.now();
    phone.engine.set_settings(Settings { receipts: false }, now)?;
    phone.engine.arrange(own, Arrangement { pinned: true, muted: false }, now)?;
    phone.engine.set_draft(own, "milk", now)?;
    settle(&mut [&mut phone]).await?;
    let mut pc = SimDevice::new(&world, "pc")?;
    pc.link_to(&mut phone, true).await?;
    settle(&mut [&mut phone, &mut pc]).await?;
    assert!(!pc.engine.settings()?.receipts);
    let row = row(&pc, own)?;
    assert_eq!((row.draft.as_str(), row.pinned, row.muted), ("milk", true, false));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_receipts_the_marker_moves_on_own_devices_and_nobody_is_told() -> Result<()> {
    let mut four = Four::new().await?;
    let now = four.marco.now();
    four.marco.engine.set_settings(Settings { receipts: false }, now)?;
    four.settle().await?;
    assert!(!four.marco_pc.engine.settings()?.receipts);
    let id = four.giulia.say(four.chat, "have you read this?")?;
    four.settle().await?;
    let seq = four.giulia.engine.message(four.chat, id)?.unwrap().seq.unwrap();
    assert_eq!(row(&four.marco, four.chat)?.unread, 1);
    // His phone is off while he reads on the PC.
    four.marco.disconnect();
    four.marco_pc.engine.mark_read(four.chat, seq, now)?;
    four.settle().await?;
    four.marco.connect().await?;
    four.settle().await?;
    let his = row(&four.marco, four.chat)?;
    assert_eq!((his.unread, his.markers.read_here), (0, seq), "{:?}", four.marco.last_events());
    for device in [&four.giulia, &four.giulia_pc] {
        let state = device.engine.message(four.chat, id)?.unwrap().state;
        assert_eq!(state, MessageState::Sent, "{} is told nothing", device.name);
    }
    // A marker that waits on a device that was away does not take the other one back.
    let more = four.giulia.say(four.chat, "and this?")?;
    four.settle().await?;
    let later = four.giulia.engine.message(four.chat, more)?.unwrap().seq.unwrap();
    four.marco.disconnect();
    four.marco_pc.engine.mark_read(four.chat, later, now)?;
    four.settle().await?;
    four.marco.engine.rebuild(now)?;
    four.marco.connect().await?;
    four.settle().await?;
    assert_eq!(row(&four.marco, four.chat)?.markers.read_here, later);

    // Switched on again, the others learn it.
    four.marco_pc.engine.set_settings(Settings { receipts: true }, now)?;
    four.settle().await?;
    assert_eq!(four.giulia.engine.message(four.chat, more)?.unwrap().state, MessageState::Read);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_salt_is_the_same_message() -> Result<()> {
    let mut four = Four::new().await?;
    let now = four.giulia.now();
    let said = Draft::Text("once".into());
    let salt = [7; 16];
    let first = four.giulia.engine.send_salted(four.chat, &said, salt, now)?;
    assert_eq!(four.giulia.engine.send_salted(four.chat, &said, salt, now)?, first, "while it waits");
    four.settle().await?;
    four.giulia.engine.set_draft(four.chat, "the next one", now)?;
    assert_eq!(four.giulia.engine.send_salted(four.chat, &said, salt, now)?, first, "after it was sent");
    assert_eq!(draft(&four.giulia, four.chat)?, "the next one", "and its draft was not this one");
    assert_eq!(four.giulia_pc.engine.send_salted(four.chat, &said, salt, now)?, first, "on another device");
    four.settle().await?;
    assert_eq!(four.agree()?, ["once"]);
    let other = four.giulia.engine.send_salted(four.chat, &said, [8; 16], now)?;
    assert_ne!(other, first);

    let marco: AccountId = four.marco.account()?;
    let group = four.giulia.engine.create_conversation_with([5; 8], "Gita", &[marco], now)?;
    assert_eq!(four.giulia.engine.create_conversation_with([5; 8], "Gita", &[marco], now)?, group);
    four.settle().await?;
    assert_eq!(four.giulia.engine.create_conversation_with([5; 8], "Gita", &[marco], now)?, group);
    assert_eq!(row(&four.marco, group)?.size, 2);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn groups_and_devices_are_renamed_for_everybody() -> Result<()> {
    let mut four = Four::new().await?;
    let now = four.giulia.now();
    let marco = four.marco.account()?;
    let group = four.giulia.engine.create_conversation("Gita", &[marco], now)?;
    four.settle().await?;
    four.giulia.disconnect();
    four.giulia.engine.rename_conversation(group, "Gita al mare", now)?;
    assert_eq!(row(&four.giulia, group)?.title, "Gita al mare", "at once");
    four.giulia.connect().await?;
    four.settle().await?;
    for device in [&four.giulia_pc, &four.marco, &four.marco_pc] {
        assert_eq!(row(device, group)?.title, "Gita al mare", "{}", device.name);
    }
    assert!(four.giulia.engine.rename_conversation(four.chat, "him", now).is_err(), "no group");

    let pc = four.giulia_pc.engine.whoami().unwrap().2;
    four.giulia.engine.rename_device(pc, "desk", now)?;
    four.settle().await?;
    let own =
        |device: &SimDevice| device.engine.devices(now).unwrap().into_iter().find(|d| d.id == pc).unwrap();
    assert_eq!(own(&four.giulia).name, "desk");
    assert_eq!(own(&four.giulia_pc).name, "desk");
    assert!(four.giulia.engine.rename_device(four.marco.engine.whoami().unwrap().2, "his", now).is_err());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_refused_name_another_one_may_be_tried() -> Result<()> {
    let world = World::new().await?;
    let mut first = SimDevice::new(&world, "first")?;
    first.register("giulia").await?;
    let store = world.folder().join("second.db");
    let mut second = SimDevice::at(&world, "second", &store)?;
    second.engine.register(&world.url(), "giulia", "phone", None, second.now())?;
    assert_eq!(second.engine.stage(second.now())?, Some(diario_engine::Stage::Registering));
    second.connect().await?;
    settle(&mut [&mut second]).await?;
    let refused = Event::Rejected(diario_protocol::Refusal::NameTaken);
    assert!(second.take_events().contains(&refused));
    assert_eq!((second.engine.whoami(), second.engine.stage(second.now())?), (None, None));
    assert!(!second.engine.wants_connection());
    assert!(second.engine.conversation_rows()?.is_empty());
    // Nothing is left of it in the store, and the same store takes another name.
    let db = rusqlite::Connection::open(&store)?;
    let tables: Vec<String> = db
        .prepare(
            // An empty index has rows of its own in these.
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'
                AND name NOT IN ('search_data', 'search_idx', 'search_docsize', 'search_config')",
        )?
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    // The index of words keeps its own shape there, and no words.
    let shape = ["search_data", "search_config"];
    for table in tables.iter().filter(|table| !shape.contains(&table.as_str())) {
        let rows: i64 = db.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0))?;
        assert_eq!(rows, 0, "{table}");
    }
    second.register("giulia2").await?;
    assert_eq!(second.engine.stage(second.now())?, Some(diario_engine::Stage::Active));
    let to = second.find("giulia").await?;
    let chat = second.direct(to)?;
    second.say(chat, "we nearly had the same name")?;
    settle(&mut [&mut first, &mut second]).await?;
    assert_eq!(first.texts(chat)?, ["we nearly had the same name"]);
    Ok(())
}

/// A device that could not read how far its account has a conversation writes over it; whoever knows tells it again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_read_outlives_a_sibling_that_did_not_know_it() -> Result<()> {
    let mut four = Four::new().await?;
    let (chat, me) = (four.chat, four.giulia.account()?);
    four.marco.say(chat, "one")?;
    four.settle().await?;
    let hidden = move |change: &Change| matches!(&change.what, What::Slot(slot) if (slot.conversation, slot.account) == (chat, me));
    four.giulia_pc.tamper(move |mut frame| {
        if let ServerFrame::Changes(changes) = &mut frame {
            changes.items.retain(|change| !hidden(change));
        }
        vec![frame]
    });
    let head = row(&four.giulia, chat)?.head;
    four.giulia.engine.mark_read(chat, head, four.giulia.now())?;
    four.settle().await?;
    assert_eq!(row(&four.giulia_pc, chat)?.markers.read_here, Seq(0), "it was not told");
    four.giulia.disconnect();
    four.marco.say(chat, "two")?;
    four.settle().await?;
    four.world.clock().advance(1_000);
    four.settle().await?;
    four.giulia_pc.trust();
    four.giulia.connect().await?;
    four.settle().await?;
    four.world.clock().advance(1_000);
    four.settle().await?;
    assert_eq!(row(&four.giulia, chat)?.markers.read_here, head);
    assert_eq!(row(&four.giulia_pc, chat)?.markers.read_here, head);
    Ok(())
}
