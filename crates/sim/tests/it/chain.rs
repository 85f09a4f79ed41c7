//! The keyring and the self chain: a key that any device of an account had, every device has.

use anyhow::Result;
use diario_protocol::ConversationId;
use diario_sim::{SimDevice, World, settle};

use crate::cast::Four;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_late_device_reads_back_through_many_turns_of_the_self_key() -> Result<()> {
    let mut four = Four::new().await?;
    four.giulia.say(four.chat, "first")?;
    four.settle().await?;
    // Each device that comes or goes turns the self key; what is said between lies under another one each time.
    for i in 0..4 {
        let mut passing = SimDevice::new(&four.world, &format!("passing {i}"))?;
        passing.link_to(&mut four.giulia, i % 2 == 0).await?;
        four.marco.say(four.chat, &format!("while {i} is there"))?;
        four.settle().await?;
        settle(&mut [&mut passing]).await?;
        let (device, now) = (passing.engine.whoami().unwrap().2, four.giulia.now());
        four.giulia.engine.revoke(device, now)?;
        four.settle().await?;
        four.marco.say(four.chat, &format!("after {i}"))?;
        four.settle().await?;
    }
    let mut late = SimDevice::new(&four.world, "late")?;
    late.link_to(&mut four.giulia, true).await?;
    four.giulia.disconnect();
    four.giulia_pc.disconnect();
    settle(&mut [&mut late]).await?;
    assert_eq!(late.texts(four.chat)?, four.marco.texts(four.chat)?, "{:?}", late.last_events());
    assert_eq!(late.texts(four.chat)?.len(), 9);
    // And what the late device sends after, the phone reads.
    late.say(four.chat, "from the late one")?;
    settle(&mut [&mut late, &mut four.marco]).await?;
    four.giulia.connect().await?;
    settle(&mut [&mut late, &mut four.marco, &mut four.giulia]).await?;
    assert_eq!(four.giulia.texts(four.chat)?.last().unwrap(), "from the late one");
    Ok(())
}

/// The only phone's store is replaced by an older copy, and with it goes the key that the chain's link is under.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_that_nobody_may_open_any_more_is_sealed_anew() -> Result<()> {
    let world = World::new().await?;
    let (store, copy) = (world.folder().join("phone.db"), world.folder().join("copy.db"));
    let mut phone = SimDevice::at(&world, "phone", &store)?;
    phone.register("giulia").await?;
    let notes = ConversationId::of_self(phone.account()?);
    phone.say(notes, "an old note")?;
    settle(&mut [&mut phone]).await?;
    rusqlite::Connection::open(&store)?.execute("VACUUM INTO ?1", [copy.to_string_lossy()])?;
    // A device that comes turns the self key, and one that goes does.
    let mut passing = SimDevice::new(&world, "passing")?;
    passing.link_to(&mut phone, true).await?;
    settle(&mut [&mut phone, &mut passing]).await?;
    let (device, now) = (passing.engine.whoami().unwrap().2, phone.now());
    phone.engine.revoke(device, now)?;
    settle(&mut [&mut phone]).await?;
    phone.disconnect();
    drop((phone, passing));

    let mut phone = SimDevice::at(&world, "phone again", &copy)?;
    phone.connect().await?;
    settle(&mut [&mut phone]).await?;
    let mut late = SimDevice::new(&world, "late")?;
    late.link_to(&mut phone, true).await?;
    settle(&mut [&mut phone, &mut late]).await?;
    assert_eq!(late.texts(notes)?, ["an old note"], "{:?}", late.last_events());
    Ok(())
}
