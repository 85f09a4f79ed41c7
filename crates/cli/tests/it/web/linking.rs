//! New devices: by camera, by the picture of a code, by eight characters, in both directions.

use super::browser::{Browser, Kind};
use super::page::{beginning, button, field, link, role};
use super::stage;
use crate::harness::Home;

impl Browser {
    /// Joins the account of a terminal by eight characters.
    pub(crate) fn link_by_code(&self, primary: &Home) {
        self.press(&beginning("button", "Link this device"));
        // It comes in above the button, which moves.
        self.find(&role("image", "QR code to scan with your other device"));
        self.press(&button("I cannot scan: show letters to type"));
        primary.ok(&["approve", &self.shown_code(), "--yes"]);
        self.find(&role("region", "Conversations"));
        self.is_connected();
    }
}

#[test]
fn a_browser_joins_by_the_qr_code_that_it_shows() {
    let world = stage::world();
    let giulia = world.register("giulia");
    giulia.ok(&["send", "self", "before"]);
    let phone = stage::open(&world, "phone", &Kind::PHONE);
    phone.press(&beginning("button", "Link this device"));
    giulia.ok(&["approve", &phone.shown_qr(), "--yes"]);
    phone.find(&role("region", "Conversations"));
    phone.row_has("Notes to yourself", "before");
    let devices = giulia.ok(&["devices"]);
    assert!(devices.iter().any(|d| d["name"] == "Chrome on Android" && d["primary"] == false), "{devices:?}");
}

#[test]
fn a_browser_joins_by_eight_characters_that_it_shows() {
    let world = stage::world();
    let giulia = world.register("giulia");
    giulia.ok(&["send", "self", "before"]);
    let desktop = stage::open(&world, "desktop", &Kind::DESKTOP);
    desktop.link_by_code(&giulia);
    desktop.row_has("Notes to yourself", "before");
}

#[test]
fn a_terminal_is_let_in_by_the_camera() {
    let world = stage::world();
    let phone = stage::open(&world, "phone", &Kind::PHONE);
    phone.register("giulia");
    let terminal = world.home("terminal");
    let mut linking = terminal.spawn(&["link", "--device-name", "terminal"]);
    let shown = linking.next();
    phone.show_to_camera(shown["code"].as_str().unwrap());
    phone.press(&link("Devices"));
    phone.press(&link("Add a device"));
    phone.says("Let terminal into your account?");
    phone.press(&button("Let it in"));
    assert_eq!(linking.next()["linked"]["username"], "giulia");
    linking.ends(0);
    phone.says("terminal is in your account");
    terminal.ok(&["send", "self", "from the terminal"]);
    phone.press(&link("To your devices"));
    phone.says("terminal");
}

#[test]
fn a_terminal_is_let_in_by_eight_characters_and_put_out_again() {
    let world = stage::world();
    let desktop = stage::open(&world, "desktop", &Kind::DESKTOP);
    desktop.register("giulia");
    let terminal = world.home("terminal");
    let mut linking = terminal.spawn(&["link", "--code", "--device-name", "terminal"]);
    let shown = linking.next();
    desktop.press(&link("Devices"));
    desktop.press(&link("Add a device"));
    desktop.press(&button("Type the code"));
    desktop.fill(&field("Code of the new device"), shown["code"].as_str().unwrap());
    desktop.press(&button("Continue"));
    desktop.press(&button("Let it in"));
    assert_eq!(linking.next()["linked"]["username"], "giulia");
    linking.ends(0);
    desktop.press(&link("To your devices"));
    desktop.press(&button("Remove terminal"));
    desktop.says("Remove terminal?");
    desktop.press(&button("Remove"));
    desktop.until("it is gone", || !desktop.has(&button("Remove terminal")));
    let said = terminal.fails(4, &["sync"]);
    assert!(said.contains("removed from its account"), "{said}");
}

#[test]
fn at_the_device_limit_one_makes_room_in_the_same_flow() {
    let world = stage::world_with(&["--set", "max_devices=2"]);
    let desktop = stage::open(&world, "desktop", &Kind::DESKTOP);
    desktop.register("giulia");
    let join = |name: &str| {
        let home = world.home(name);
        let mut linking = home.spawn(&["link", "--code", "--device-name", name]);
        let code = linking.next()["code"].as_str().unwrap().to_owned();
        desktop.press(&link("Devices"));
        desktop.press(&link("Add a device"));
        desktop.press(&button("Type the code"));
        desktop.fill(&field("Code of the new device"), &code);
        desktop.press(&button("Continue"));
        desktop.press(&button("Let it in"));
        (home, linking)
    };
    let (old, mut linking) = join("old");
    assert_eq!(linking.next()["linked"]["username"], "giulia");
    linking.ends(0);
    old.ok(&["sync"]);
    // Once not: nobody is removed, and the same device may ask again.
    let (_, mut refused) = join("tablet");
    desktop.says("Make room for tablet");
    desktop.says("Your account has 2 devices");
    desktop.press(&button("Do not let tablet in"));
    desktop.find(&field("Code of the new device"));
    refused.kill();
    old.ok(&["sync"]);
    let (_, mut linking) = join("phone");
    desktop.press(&button("Remove old to make room"));
    desktop.says("Remove old?");
    desktop.press(&button("Remove"));
    assert_eq!(linking.next()["linked"]["username"], "giulia");
    linking.ends(0);
    desktop.says("phone is in your account");
    let said = old.fails(4, &["sync"]);
    assert!(said.contains("removed from its account"), "{said}");
}
