//! A browser whose time runs out.

use std::time::Duration;

use super::browser::Kind;
use super::page::{any, button, field, having, link};
use super::stage;

#[test]
fn a_browser_warns_before_its_time_ends_and_goes_on_when_it_is_renewed() {
    let world = stage::world();
    let (giulia, marco) = (world.register("giulia"), world.register("marco"));
    let desktop = stage::open(&world, "desktop", &Kind::DESKTOP);
    desktop.link_by_code(&giulia);
    desktop.write_to("marco");
    desktop.say("before");
    let named = "Chrome on Linux";

    giulia.vouch(named, Duration::from_hours(48));
    desktop.says("This device’s time runs out within three days.");
    desktop.press(&button("Understood"));
    desktop.find_none(&any("alert"));
    desktop.press(&link("Devices"));
    desktop.says("renew it, or let a main device come online");
    desktop.back();

    giulia.vouch(named, Duration::from_millis(1));
    desktop.says("This device’s time has run out. Renew it on a main device");
    desktop.say("while it was over");
    desktop.log_has("before");
    desktop.reload();
    desktop.says("This device’s time has run out.");

    giulia.ok(&["devices", "renew", named]);
    desktop.find_none(&any("alert"));
    desktop.is_connected();
    crate::harness::until("it went out", || {
        marco.ok(&["sync"]);
        marco.texts("giulia") == ["before", "while it was over"]
    });
}

#[test]
fn a_linked_device_is_renewed_and_renamed_in_the_browser() {
    let world = stage::world();
    let giulia = world.register("giulia");
    let desktop = stage::open(&world, "desktop", &Kind::DESKTOP);
    desktop.link_by_code(&giulia);
    giulia.ok(&["devices", "make-primary", "Chrome on Linux"]);
    let tablet = world.link(&giulia, "tablet");
    giulia.vouch("tablet", Duration::from_millis(1));
    tablet.fails(4, &["sync"]);
    desktop.press(&link("Devices"));
    desktop.says("Renewed on a main device, it goes on with all it has");
    desktop.press(&button("More about tablet"));
    desktop.press(&button("Renew"));
    desktop.until("it is renewed", || !desktop.words().contains("Renewed on a main device"));
    tablet.ok(&["sync"]);

    desktop.press(&button("Rename tablet"));
    desktop.fill(&field("Name of this device"), "kitchen");
    desktop.key("Enter");
    desktop.find(&having("button", "More about kitchen"));
    tablet.ok(&["sync"]);
    let devices = tablet.ok(&["devices"]);
    assert!(devices.iter().any(|d| d["name"] == "kitchen"), "{devices:?}");
}
