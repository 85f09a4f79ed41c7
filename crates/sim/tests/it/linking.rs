//! Linking a device whose other side goes away.

use anyhow::{Context as _, Result};
use diario_engine::{Event, LinkingStep};
use diario_sim::{SimDevice, World, settle};

fn shown(device: &SimDevice) -> Option<String> {
    device.events.iter().rev().find_map(|e| match e {
        Event::Linking(LinkingStep::Code { code, .. }) => Some(code.clone()),
        _ => None,
    })
}

fn failed(device: &SimDevice) -> Option<String> {
    device.events.iter().find_map(|e| match e {
        Event::Linking(LinkingStep::Failed(why)) => Some(why.clone()),
        _ => None,
    })
}

/// The phone that has entered the code dies: the new device does not go on showing a code that nobody can use.
#[tokio::test]
async fn a_new_device_is_told_that_the_primary_is_gone() -> Result<()> {
    let world = World::new().await?;
    let mut phone = SimDevice::new(&world, "phone")?;
    phone.register("giulia").await?;
    let mut pc = SimDevice::new(&world, "pc")?;
    let now = pc.now();
    pc.engine.link(&world.url(), "pc", true, now)?;
    pc.connect().await?;
    settle(&mut [&mut pc]).await?;
    phone.engine.approve(&shown(&pc).context("no code was shown")?, now)?;
    settle(&mut [&mut pc, &mut phone]).await?;
    assert_eq!(failed(&pc), None);
    phone.disconnect();
    for _ in 0..100 {
        settle(&mut [&mut pc]).await?;
        if failed(&pc).is_some() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let why = failed(&pc).context("it was not told")?;
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
    let world = World::new().await?;
    let mut phone = SimDevice::new(&world, "phone")?;
    phone.register("giulia").await?;
    let mut pc = SimDevice::new(&world, "pc")?;
    let now = pc.now();
    pc.engine.link(&world.url(), "pc", true, now)?;
    pc.connect().await?;
    settle(&mut [&mut pc]).await?;
    phone.engine.approve(&shown(&pc).context("no code was shown")?, now)?;
    settle(&mut [&mut pc, &mut phone]).await?;
    pc.disconnect();
    for _ in 0..100 {
        settle(&mut [&mut phone]).await?;
        if failed(&phone).is_some() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert!(failed(&phone).context("it was not told")?.contains("was lost"));
    assert!(phone.engine.is_live());
    assert_eq!(phone.engine.devices(phone.now())?.len(), 1);
    Ok(())
}
