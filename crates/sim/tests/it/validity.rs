//! Devices in time: the 14 days of linked ones, and revocation.

use anyhow::Result;
use diario_engine::{DeviceState, DeviceView, Event, Stage};
use diario_protocol::DeviceId;

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
async fn what_the_server_refuses_as_the_time_runs_out_is_kept() -> Result<()> {
    let mut four = Four::new().await?;
    four.giulia.disconnect();
    four.world.clock().advance(15 * DAY);
    // Before the server has looked who is to be cut off.
    four.giulia_pc.say(four.chat, "a moment too late")?;
    four.settle().await?;
    assert!(four.giulia_pc.events.contains(&Event::Expired), "{:?}", four.giulia_pc.last_events());
    let failed = |event: &Event| matches!(event, Event::Failed { .. });
    assert!(!four.giulia_pc.events.iter().any(failed), "{:?}", four.giulia_pc.last_events());
    four.giulia.connect().await?;
    four.settle().await?;
    four.giulia_pc.connect().await?;
    four.settle().await?;
    for (device, name) in [(&four.giulia, "phone"), (&four.giulia_pc, "pc"), (&four.marco, "marco")] {
        assert_eq!(device.texts(four.chat)?, ["a moment too late"], "{name} {:?}", device.events);
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

/// What a device shows of another one of its account.
fn listed(device: &diario_sim::SimDevice, which: DeviceId) -> DeviceView {
    device.engine.devices(device.now()).unwrap().into_iter().find(|d| d.id == which).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_that_was_not_seen_is_renewed_only_when_told() -> Result<()> {
    let mut four = Four::new().await?;
    let pc = four.giulia_pc.engine.whoami().unwrap().2;
    four.giulia_pc.say(four.chat, "before")?;
    four.settle().await?;
    four.giulia_pc.disconnect();
    four.settle().await?;
    // The phone is always on, and looks every hour.
    let mut until = listed(&four.giulia, pc).valid_until;
    for day in 1..=30 {
        four.world.clock().advance(DAY);
        four.giulia.engine.tick(four.giulia.now())?;
        four.settle().await?;
        let now = listed(&four.giulia, pc).valid_until;
        assert!(now == until || day <= 14, "renewed on day {day}");
        until = now;
    }
    let shown = listed(&four.giulia, pc);
    assert_eq!(shown.state, DeviceState::Expired);
    assert!(shown.last_seen.unwrap().0 < four.giulia.now().0 - 29 * DAY);
    four.giulia.say(four.chat, "said meanwhile")?;
    four.settle().await?;
    // What is written there meanwhile is kept, and it is said what to do.
    four.giulia_pc.connect().await?;
    four.settle().await?;
    assert!(four.giulia_pc.events.contains(&Event::Expired));
    assert_eq!(four.giulia_pc.engine.stage(four.giulia_pc.now())?, Some(Stage::Expired));
    four.giulia_pc.say(four.chat, "kept")?;
    four.giulia_pc.engine.set_draft(four.chat, "half a thought", four.giulia_pc.now())?;
    assert_eq!(four.giulia_pc.texts(four.chat)?, ["before", "kept"]);
    // One tap on any primary.
    four.giulia.engine.renew(pc, four.giulia.now())?;
    four.settle().await?;
    assert!(listed(&four.giulia, pc).valid_until.unwrap().0 > four.giulia.now().0 + 13 * DAY);
    four.giulia_pc.connect().await?;
    four.settle().await?;
    assert_eq!(four.giulia_pc.engine.stage(four.giulia_pc.now())?, Some(Stage::Active));
    for device in [&four.giulia, &four.giulia_pc, &four.marco] {
        assert_eq!(device.texts(four.chat)?, ["before", "said meanwhile", "kept"], "{}", device.name);
    }
    assert_eq!(four.giulia.engine.draft(four.chat)?, "half a thought");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_linked_device_warns_three_days_before_its_end() -> Result<()> {
    let mut four = Four::new().await?;
    let pc = four.giulia_pc.engine.whoami().unwrap().2;
    four.giulia.disconnect();
    four.world.clock().advance(10 * DAY);
    assert_eq!(listed(&four.giulia_pc, pc).state, DeviceState::Valid);
    four.world.clock().advance(DAY + DAY / 2);
    four.giulia_pc.take_events();
    four.settle().await?;
    assert_eq!(listed(&four.giulia_pc, pc).state, DeviceState::ExpiresSoon);
    let account = four.giulia.account()?;
    assert!(four.giulia_pc.events.contains(&Event::Devices(account)), "{:?}", four.giulia_pc.events);
    four.giulia.connect().await?;
    four.settle().await?;
    assert_eq!(listed(&four.giulia_pc, pc).state, DeviceState::Valid, "a primary came and renewed it");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_are_for_all_devices_and_say_where_they_run() -> Result<()> {
    let mut four = Four::new().await?;
    let (phone, pc) = (four.giulia.engine.whoami().unwrap().2, four.giulia_pc.engine.whoami().unwrap().2);
    four.giulia_pc.engine.rename_device(phone, "  old phone ", four.giulia_pc.now())?;
    assert!(four.giulia_pc.engine.rename_device(phone, "  ", four.giulia_pc.now()).is_err());
    four.settle().await?;
    for device in [&four.giulia, &four.giulia_pc] {
        let shown = listed(device, phone);
        assert_eq!(shown.name, "old phone");
        assert!(shown.linked_at.is_some() && shown.linked_by.is_none(), "it made the account: {shown:?}");
        let shown = listed(device, pc);
        assert_eq!(shown.linked_by.as_deref(), Some("old phone"));
        assert_eq!(shown.platform, "a test");
    }
    Ok(())
}
