//! The main flows on engines and server alone.

use anyhow::Result;
use diario_engine::{Event, MessageState};
use diario_sim::{SimDevice, World, settle};

use crate::cast::Four;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_accounts_with_two_devices_each_read_the_same() -> Result<()> {
    let mut four = Four::new().await?;
    four.giulia.say(four.chat, "ciao Marco")?;
    four.settle().await?;
    four.marco_pc.say(four.chat, "ciao Giulia")?;
    four.settle().await?;
    four.giulia_pc.say(four.chat, "dal computer")?;
    four.settle().await?;
    assert_eq!(four.agree()?, ["ciao Marco", "ciao Giulia", "dal computer"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_phone_that_was_off_shows_what_its_sibling_shows() -> Result<()> {
    let mut four = Four::new().await?;
    four.giulia.say(four.chat, "one")?;
    four.settle().await?;
    four.giulia.disconnect();
    four.marco.say(four.chat, "two")?;
    four.settle().await?;
    four.giulia_pc.say(four.chat, "three")?;
    four.giulia.say(four.chat, "four, from the outbox")?;
    four.settle().await?;
    assert_eq!(four.marco.texts(four.chat)?, ["one", "two", "three"]);
    four.giulia.connect().await?;
    four.settle().await?;
    assert_eq!(four.agree()?, ["one", "two", "three", "four, from the outbox"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_sent_to_an_account_with_all_devices_off_arrives_once() -> Result<()> {
    let mut four = Four::new().await?;
    four.marco.say(four.chat, "before")?;
    four.settle().await?;
    four.giulia.disconnect();
    four.giulia_pc.disconnect();
    for i in 0..20 {
        four.marco.say(four.chat, &format!("while you were away {i}"))?;
    }
    four.settle().await?;
    four.world.stop().await;
    four.marco.disconnect();
    four.marco_pc.disconnect();
    four.world.start().await?;
    for device in [&mut four.giulia, &mut four.giulia_pc, &mut four.marco, &mut four.marco_pc] {
        device.connect().await?;
    }
    four.settle().await?;
    assert_eq!(four.agree()?.len(), 21);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn states_and_typing_flow() -> Result<()> {
    let mut four = Four::new().await?;
    four.marco.disconnect();
    four.marco_pc.disconnect();
    let id = four.giulia.say(four.chat, "are you there?")?;
    assert_eq!(four.giulia.engine.message(four.chat, id)?.unwrap().state, MessageState::Pending);
    four.settle().await?;
    assert_eq!(four.giulia_pc.engine.message(four.chat, id)?.unwrap().state, MessageState::Sent);
    four.marco_pc.connect().await?;
    four.settle().await?;
    assert_eq!(four.giulia.engine.message(four.chat, id)?.unwrap().state, MessageState::Delivered);
    let seq = four.marco_pc.engine.message(four.chat, id)?.unwrap().seq.unwrap();
    assert_eq!(four.marco_pc.engine.conversation_row(four.chat)?.unwrap().unread, 1);
    let now = four.marco_pc.now();
    four.marco_pc.engine.mark_read(four.chat, seq, now)?;
    four.marco.connect().await?;
    four.settle().await?;
    for device in [&four.giulia, &four.giulia_pc] {
        assert_eq!(
            device.engine.message(four.chat, id)?.unwrap().state,
            MessageState::Read,
            "{}",
            device.name
        );
    }
    assert_eq!(
        four.marco.engine.conversation_row(four.chat)?.unwrap().unread,
        0,
        "the marker moves on his phone"
    );
    four.giulia.take_events();
    four.marco_pc.take_events();
    four.marco.engine.typing(four.chat, now)?;
    four.settle().await?;
    assert!(
        !four.marco_pc.events.iter().any(|e| matches!(e, Event::Typing { .. })),
        "his own PC does not say that he types"
    );
    assert!(
        four.giulia.events.iter().any(|e| matches!(e, Event::Typing { .. })),
        "{:?}",
        four.giulia.last_events()
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_linked_pc_reads_what_came_before_with_the_phone_off() -> Result<()> {
    let world = World::new().await?;
    let mut phone = SimDevice::new(&world, "phone")?;
    phone.register("giulia").await?;
    let mut chats = Vec::new();
    let mut friends = Vec::new();
    for i in 0..10 {
        let mut friend = SimDevice::new(&world, &format!("friend {i}"))?;
        friend.register(&format!("friend{i}")).await?;
        let chat = friend.find("giulia").await.and_then(|giulia| friend.direct(giulia))?;
        for j in 0..100 {
            if j % 10 == 9 {
                phone.say(chat, &format!("{i}.{j}")).ok()
            } else {
                friend.say(chat, &format!("{i}.{j}")).ok()
            };
            if j == 0 || j % 10 == 8 {
                settle(&mut [&mut phone, &mut friend]).await?;
            }
        }
        settle(&mut [&mut phone, &mut friend]).await?;
        assert_eq!(phone.texts(chat)?.len(), 100);
        chats.push(chat);
        friends.push(friend);
    }
    let mut pc = SimDevice::new(&world, "pc")?;
    pc.link_to(&mut phone, true).await?;
    phone.disconnect();
    settle(&mut [&mut pc]).await?;
    for (i, chat) in chats.iter().enumerate() {
        assert_eq!(
            pc.texts(*chat)?,
            phone.texts(*chat)?,
            "conversation {i}: {:?}",
            pc.engine.log_state(*chat)?
        );
        let all_readable = pc
            .messages(*chat)?
            .iter()
            .all(|m| matches!(m.state, MessageState::Sent | MessageState::Delivered | MessageState::Read));
        assert!(all_readable, "conversation {i}");
    }
    // The other side's next message admits the PC; in another conversation it writes first.
    friends[3].say(chats[3], "welcome")?;
    settle(&mut [&mut pc, &mut friends[3]]).await?;
    assert_eq!(pc.texts(chats[3])?.last().unwrap(), "welcome");
    pc.say(chats[4], "hello from the pc")?;
    settle(&mut [&mut pc, &mut friends[4]]).await?;
    assert_eq!(friends[4].texts(chats[4])?.last().unwrap(), "hello from the pc");
    friends[4].say(chats[4], "and back")?;
    settle(&mut [&mut pc, &mut friends[4]]).await?;
    assert_eq!(pc.texts(chats[4])?.last().unwrap(), "and back");
    // The phone comes back and has it all.
    phone.connect().await?;
    settle(&mut [&mut phone, &mut pc]).await?;
    for chat in &chats {
        assert_eq!(pc.texts(*chat)?, phone.texts(*chat)?);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_sides_begin_at_the_same_moment() -> Result<()> {
    let world = World::new().await?;
    let mut a = SimDevice::new(&world, "a")?;
    let mut b = SimDevice::new(&world, "b")?;
    a.register("anna").await?;
    b.register("bruno").await?;
    let chat = a.find("bruno").await.and_then(|bruno| a.direct(bruno))?;
    assert_eq!(b.find("anna").await.and_then(|anna| b.direct(anna))?, chat);
    a.say(chat, "from a")?;
    b.say(chat, "from b")?;
    settle(&mut [&mut a, &mut b]).await?;
    assert_eq!(a.texts(chat)?.len(), 2, "{:?}", a.last_events());
    assert_eq!(a.texts(chat)?, b.texts(chat)?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rebuild_refills_everything_and_keeps_what_was_not_sent() -> Result<()> {
    let mut four = Four::new().await?;
    for i in 0..30 {
        four.giulia.say(four.chat, &format!("g{i}"))?;
        four.marco.say(four.chat, &format!("m{i}"))?;
        four.settle().await?;
    }
    let before = four.agree()?;
    four.giulia_pc.disconnect();
    four.giulia_pc.say(four.chat, "not sent yet")?;
    let now = four.giulia_pc.now();
    four.giulia_pc.engine.rebuild(now)?;
    assert_eq!(four.giulia_pc.texts(four.chat)?, ["not sent yet"]);
    four.giulia_pc.connect().await?;
    four.settle().await?;
    let after = four.agree()?;
    assert_eq!(after[..60], before[..]);
    assert_eq!(after[60], "not sent yet");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_devices_are_linked_from_one_address() -> Result<()> {
    let world = World::new().await?;
    let mut phone = SimDevice::new(&world, "phone")?;
    phone.register("giulia").await?;
    let mut linked = Vec::new();
    for i in 0..10 {
        let mut device = SimDevice::new(&world, &format!("device {i}"))?;
        device.link_to(&mut phone, i % 2 == 0).await?;
        // It stays connected.
        linked.push(device);
    }
    assert_eq!(phone.engine.devices(phone.now())?.len(), 11);
    Ok(())
}
