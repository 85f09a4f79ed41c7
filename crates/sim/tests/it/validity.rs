//! Devices in time: the 14 days of linked ones, and revocation.

use anyhow::Result;
use diario_engine::Event;

use crate::cast::Four;

const DAY: u64 = 24 * 60 * 60 * 1000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_primary_renews_linked_devices_by_itself() -> Result<()> {
    let mut four = Four::new().await?;
    let until = |four: &Four| {
        four.giulia.engine.devices(four.giulia.now()).map(|d| d.iter().find_map(|d| d.valid_until).unwrap())
    };
    let first = until(&four)?;
    four.world.clock().advance(8 * DAY);
    four.settle().await?;
    assert!(until(&four)?.0 >= first.0 + 8 * DAY, "less than half was left");
    four.giulia_pc.say(four.chat, "still here")?;
    four.settle().await?;
    assert_eq!(four.agree()?, ["still here"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_expired_device_keeps_its_outbox_and_is_renewed() -> Result<()> {
    let mut four = Four::new().await?;
    four.giulia.say(four.chat, "before")?;
    four.settle().await?;
    four.giulia.disconnect();
    four.world.clock().advance(15 * DAY);
    four.marco.say(four.chat, "two weeks later")?;
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    four.settle().await?;
    assert!(four.giulia_pc.events.contains(&Event::Expired), "{:?}", four.giulia_pc.last_events());
    assert!(!four.giulia_pc.is_connected());
    four.giulia_pc.say(four.chat, "kept in the outbox")?;
    four.giulia.connect().await?;
    four.settle().await?;
    four.giulia_pc.connect().await?;
    four.settle().await?;
    for (device, name) in [(&four.giulia, "phone"), (&four.giulia_pc, "pc")] {
        assert_eq!(
            device.texts(four.chat)?,
            ["before", "two weeks later", "kept in the outbox"],
            "{name} {:?}",
            device.events
        );
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_device_is_cut_off_at_once() -> Result<()> {
    let mut four = Four::new().await?;
    four.giulia_pc.say(four.chat, "from the pc")?;
    four.settle().await?;
    let pc = four.giulia_pc.engine.whoami().unwrap().2;
    let now = four.giulia.now();
    four.giulia.engine.revoke(pc, now)?;
    four.settle().await?;
    assert!(!four.giulia_pc.is_connected());
    four.marco.say(four.chat, "only for the phone")?;
    four.settle().await?;
    assert_eq!(four.giulia.texts(four.chat)?, ["from the pc", "only for the phone"]);
    four.giulia_pc.connect().await?;
    four.settle().await?;
    // The server's word is not enough: the signed list has to say so, and the device asks for it.
    assert!(four.giulia_pc.events.contains(&Event::Revoked), "{:?}", four.giulia_pc.last_events());
    assert_eq!(four.giulia_pc.texts(four.chat)?, ["from the pc"], "what it has stays readable");
    assert!(four.giulia_pc.say(four.chat, "let me in").is_err());
    Ok(())
}
