//! Linking a device whose other side goes away.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use diario_engine::{Event, LinkingStep};
use diario_sim::{SimDevice, World, settle};

fn failed(device: &SimDevice) -> Option<String> {
    device.events.iter().find_map(|e| match e {
        Event::Linking(LinkingStep::Failed(why)) => Some(why.clone()),
        _ => None,
    })
}

/// Giulia's phone has entered the code that her new PC shows, and has yet to let it in.
async fn half_linked() -> Result<(World, SimDevice, SimDevice)> {
    let world = World::new().await?;
    let mut phone = SimDevice::new(&world, "phone")?;
    phone.register("giulia").await?;
    let mut pc = SimDevice::new(&world, "pc")?;
    let now = pc.now();
    pc.engine.link(&world.url(), "pc", true, now)?;
    pc.connect().await?;
    settle(&mut [&mut pc]).await?;
    phone.engine.approve(&pc.shown_code().context("no code was shown")?, now)?;
    settle(&mut [&mut pc, &mut phone]).await?;
    Ok((world, phone, pc))
}

/// Waits until a device is told that its linking failed; gives why.
async fn told(device: &mut SimDevice) -> Result<String> {
    for _ in 0..100 {
        settle(&mut [device]).await?;
        if let Some(why) = failed(device) {
            return Ok(why);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    bail!("{} was not told: {:?}", device.name, device.last_events())
}

/// The phone that has entered the code dies: the new device does not go on showing a code that nobody can use.
#[tokio::test]
async fn a_new_device_is_told_that_the_primary_is_gone() -> Result<()> {
    let (_world, mut phone, mut pc) = half_linked().await?;
    assert_eq!(failed(&pc), None);
    phone.disconnect();
    let why = told(&mut pc).await?;
    assert!(why.contains("connection to the other device was lost"), "{why}");

    pc.disconnect();
    phone.connect().await?;
    settle(&mut [&mut phone]).await?;
    pc.take_events();
    phone.take_events();
    pc.link_to(&mut phone, true).await?;
    assert!(pc.engine.is_live());
    Ok(())
}

/// The other way round: the primary does not wait for who has gone.
#[tokio::test]
async fn a_primary_is_told_that_the_new_device_is_gone() -> Result<()> {
    let (_world, mut phone, mut pc) = half_linked().await?;
    pc.disconnect();
    assert!(told(&mut phone).await?.contains("was lost"));
    assert!(phone.engine.is_live());
    assert_eq!(phone.engine.devices(phone.now())?.len(), 1);
    Ok(())
}

/// A yes that is given once the line is back would list a device that is never told that it is.
#[tokio::test]
async fn nobody_is_let_in_over_a_line_that_was_lost() -> Result<()> {
    let (_world, mut phone, mut pc) = half_linked().await?;
    phone.disconnect();
    assert!(failed(&phone).is_some(), "{:?}", phone.last_events());
    phone.connect().await?;
    settle(&mut [&mut phone, &mut pc]).await?;
    let now = phone.now();
    assert!(phone.engine.admit_device(None, now).is_err());
    settle(&mut [&mut phone, &mut pc]).await?;
    assert_eq!(phone.engine.devices(now)?.len(), 1);
    Ok(())
}

/// A device that was let in and never came has no key packages, for ever. Keys are handed on, all the same.
#[tokio::test]
async fn a_device_that_never_came_is_not_waited_for() -> Result<()> {
    let (world, mut phone, pc) = half_linked().await?;
    let now = phone.now();
    phone.engine.confirm_link(true, now)?;
    while phone.send_one().await? {}
    drop(pc);
    for _ in 0..100 {
        settle(&mut [&mut phone]).await?;
        if phone.engine.devices(now)?.len() == 2 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(phone.engine.devices(now)?.len(), 2, "it is listed: {:?}", phone.last_events());
    phone.disconnect();
    phone.connect().await?;
    settle(&mut [&mut phone]).await?;

    let group = phone.engine.create_conversation("Gita", &[], now)?;
    phone.say(group, "before the tablet")?;
    settle(&mut [&mut phone]).await?;
    let mut tablet = SimDevice::new(&world, "tablet")?;
    tablet.link_to(&mut phone, true).await?;
    settle(&mut [&mut phone, &mut tablet]).await?;
    tablet.say(group, "from the tablet")?;
    settle(&mut [&mut phone, &mut tablet]).await?;
    for device in [&phone, &tablet] {
        assert_eq!(device.texts(group)?, ["before the tablet", "from the tablet"], "{}", device.name);
        assert_eq!(device.engine.conversation_row(group)?.unwrap().title, "Gita", "{}", device.name);
        assert_eq!(device.engine.diagnose()?.waiting, 0, "{}", device.name);
    }
    Ok(())
}

/// The server allows a connection a few mailboxes: one that ended with a no is closed.
#[tokio::test]
async fn a_device_is_let_in_after_many_that_were_not() -> Result<()> {
    let world = World::new().await?;
    let mut phone = SimDevice::new(&world, "phone")?;
    phone.register("giulia").await?;
    for n in 0..6 {
        let mut stranger = SimDevice::new(&world, &format!("stranger {n}"))?;
        let now = stranger.now();
        stranger.engine.link(&world.url(), "stranger", true, now)?;
        stranger.connect().await?;
        settle(&mut [&mut stranger]).await?;
        phone.engine.approve(&stranger.shown_code().context("no code was shown")?, now)?;
        settle(&mut [&mut stranger, &mut phone]).await?;
        phone.engine.confirm_link(false, now)?;
        settle(&mut [&mut stranger, &mut phone]).await?;
        assert_eq!(failed(&phone), None, "after {n}");
        assert_eq!(failed(&stranger).as_deref(), Some("the other device said no"));
    }
    let mut pc = SimDevice::new(&world, "pc")?;
    pc.link_to(&mut phone, true).await?;
    assert!(pc.engine.is_live());
    Ok(())
}

/// The same of linkings that are given up, on either side or for another one.
#[tokio::test]
async fn a_device_is_let_in_after_many_that_were_given_up() -> Result<()> {
    let world = World::new().await?;
    let mut phone = SimDevice::new(&world, "phone")?;
    phone.register("giulia").await?;
    let mut strangers = Vec::new();
    for n in 0..8 {
        let mut stranger = SimDevice::new(&world, &format!("stranger {n}"))?;
        let now = stranger.now();
        stranger.engine.link(&world.url(), "stranger", true, now)?;
        stranger.connect().await?;
        settle(&mut [&mut stranger]).await?;
        phone.engine.approve(&stranger.shown_code().context("no code was shown")?, now)?;
        settle(&mut [&mut stranger, &mut phone]).await?;
        if n % 2 == 0 {
            phone.engine.cancel_link(now)?;
        }
        settle(&mut [&mut stranger, &mut phone]).await?;
        assert_eq!(failed(&phone), None, "after {n}");
        // The last one is given up for the next, and not because its device is gone.
        phone.take_events();
        strangers.push(stranger);
    }
    let mut pc = SimDevice::new(&world, "pc")?;
    pc.link_to(&mut phone, true).await?;
    assert!(pc.engine.is_live());
    Ok(())
}
