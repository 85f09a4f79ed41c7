//! Linked devices whose time runs out, without waiting for it: a primary that vouches for a shorter time.

use std::time::Duration;

use diario_client::{Client, Home as Folder};
use diario_engine::EngineConfig;

use crate::harness::{Home, PATIENCE, World};

const DAY: Duration = Duration::from_hours(24);

impl Home {
    /// Vouches anew for a linked device of this account, but for so long only. This device must be a primary, and
    /// not at work.
    pub(crate) fn vouch(&self, device: &str, time: Duration) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let patience = async { tokio::time::timeout(PATIENCE, shorten(self, device, time)).await };
        runtime.block_on(patience).expect("the device was vouched for in vain");
    }
}

async fn shorten(home: &Home, device: &str, time: Duration) {
    let link_validity_ms = u64::try_from(time.as_millis()).unwrap();
    let folder = Folder::take(&home.folder).unwrap();
    let engine = folder.engine(EngineConfig { link_validity_ms, ..EngineConfig::default() }).unwrap();
    let (client, driver) = Client::new(engine);
    let running = tokio::spawn(driver.run());
    let named = device.to_owned();
    let renew = move |engine: &mut diario_engine::Engine, now| {
        let devices = engine.devices(now).unwrap();
        let device = devices.into_iter().find(|d| d.name == named).unwrap_or_else(|| panic!("no {named}"));
        engine.renew(device.id, now).unwrap();
        (device.id, device.valid_until)
    };
    client.rest().wait_for(|rests| *rests).await.unwrap();
    let (id, before) = client.with(renew).await.unwrap();
    while client
        .with(move |engine, now| {
            engine.devices(now).unwrap().iter().any(|d| d.id == id && d.valid_until == before)
        })
        .await
        .unwrap()
    {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    client.rest().wait_for(|rests| *rests).await.unwrap();
    drop(client);
    running.await.unwrap().unwrap();
}

#[test]
fn a_terminal_warns_before_its_time_ends_and_goes_on_when_it_is_renewed() {
    let world = World::new();
    let (phone, marco) = (world.register("giulia"), world.register("marco"));
    let desktop = world.link(&phone, "desktop");
    desktop.ok(&["send", "marco", "before"]);

    phone.vouch("desktop", 2 * DAY);
    assert!(desktop.run(&["doctor"]).stdout.contains("devices renew"), "three days before, it is told");
    desktop.ok(&["send", "marco", "soon"]);

    phone.vouch("desktop", Duration::from_millis(1));
    desktop.fails(4, &["sync"]);
    desktop.run(&["send", "--queue", "marco", "while it was over"]);
    assert!(desktop.texts("marco").contains(&"before".to_owned()), "what it has stays");
    assert!(desktop.run(&["doctor"]).stdout.contains("devices renew"));

    let renewed = phone.one(&["devices", "renew", "desktop"]);
    assert_eq!(renewed["renewed"]["state"], "valid", "{renewed}");
    desktop.ok(&["sync"]);
    marco.ok(&["sync"]);
    assert_eq!(marco.texts("giulia"), ["before", "soon", "while it was over"]);
}
