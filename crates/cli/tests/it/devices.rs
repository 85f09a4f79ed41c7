//! Devices of an account: names, roles, time; and who a contact is.

use serde_json::Value;

use crate::harness::{Home, World};

fn device(home: &Home, name: &str) -> Value {
    home.ok(&["devices"]).into_iter().find(|d| d["name"] == name).unwrap_or_else(|| panic!("no {name}"))
}

#[test]
fn a_device_is_renamed_everywhere_and_says_where_it_came_from() {
    let world = World::new();
    let phone = world.register("giulia");
    let desktop = world.link(&phone, "desktop");
    let renamed = phone.one(&["devices", "rename", "desktop", "big", "screen"]);
    assert_eq!(renamed["renamed"]["name"], "big screen");
    desktop.ok(&["sync"]);
    phone.ok(&["sync"]);
    for home in [&phone, &desktop] {
        let shown = device(home, "big screen");
        assert_eq!(shown["linked_by"], "giulia-1", "{shown}");
        assert!(shown["linked_at"].is_string() && shown["expires_soon"] == false, "{shown}");
        assert!(shown["platform"].as_str().unwrap().starts_with("terminal on "), "{shown}");
        let first = device(home, "giulia-1");
        assert!(first["linked_by"].is_null() && first["linked_at"].is_string(), "{first}");
    }
    let table = phone.text(&["devices"]).stdout;
    assert!(table.contains("by giulia-1") && table.contains("terminal on"), "{table}");
    assert!(phone.fails(1, &["devices", "rename", "big screen", " "]).contains("needs a name"));
}

#[test]
fn a_second_primary_lets_devices_in_and_the_role_moves() {
    let world = World::new();
    let phone = world.register("giulia");
    let desktop = world.link(&phone, "desktop");
    assert!(desktop.fails(1, &["devices", "make-primary", "desktop"]).contains("only a primary"));
    assert!(phone.fails(1, &["devices", "make-linked", "giulia-1"]).contains("only primary"));

    // It is off: it takes the key when it comes.
    let role = phone.one(&["devices", "make-primary", "desktop"]);
    assert_eq!((&role["role"]["primary"], &role["role"]["awaits_key"]), (&true.into(), &true.into()));
    let said = desktop.run(&["sync"]).stderr;
    assert!(said.contains("this device is a primary"), "{said}");
    assert_eq!(desktop.one(&["whoami"])["primary"], true);
    let tablet = world.link(&desktop, "tablet");
    phone.ok(&["sync"]);
    assert_eq!(device(&phone, "tablet")["linked_by"], "desktop");
    assert_eq!(device(&phone, "desktop")["awaits_key"], false);

    // And gives it back; then the first one goes, by hand-over to one that is there.
    desktop.one(&["devices", "make-linked", "desktop"]);
    assert_eq!(desktop.one(&["whoami"])["primary"], false);
    desktop.fails(1, &["devices", "renew"]);
    let follower = tablet.follow();
    let role = phone.one(&["devices", "make-primary", "tablet", "--hand-over"]);
    assert_eq!(
        (&role["role"]["awaits_key"], &role["primary_here"]),
        (&false.into(), &false.into()),
        "{role}"
    );
    follower.interrupt();
    assert_eq!(phone.one(&["whoami"])["primary"], false);
    assert!(device(&phone, "giulia-1")["valid_until"].is_string());
    phone.fails(1, &["devices", "revoke", "desktop", "--yes"]);
    let revoked = tablet.one(&["devices", "revoke", "giulia-1", "--yes"]);
    assert_eq!(revoked["revoked"]["name"], "giulia-1");
    phone.fails(4, &["sync"]);
}

#[test]
fn a_linked_device_is_renewed_when_told() {
    let world = World::new();
    let phone = world.register("giulia");
    assert!(phone.fails(1, &["devices", "renew"]).contains("no linked device"));
    world.link(&phone, "desktop");
    let before = device(&phone, "desktop")["valid_until"].as_str().unwrap().to_owned();
    let renewed = phone.one(&["devices", "renew", "desktop"]);
    assert!(renewed["renewed"]["valid_until"].as_str().unwrap() > before.as_str(), "{renewed}");
    assert_eq!(phone.ok(&["devices", "renew"]).len(), 1, "all linked devices");
    assert!(phone.fails(1, &["devices", "renew", "giulia-1"]).contains("does not run out"));
}

#[test]
fn two_people_compare_their_safety_number() {
    let world = World::new();
    let (giulia, marco) = (world.register("giulia"), world.register("marco"));
    let desktop = world.link(&giulia, "desktop");
    let hers = giulia.one(&["safety-number", "marco"]);
    let his = marco.one(&["safety-number", "@giulia"]);
    assert_eq!(hers["number"], his["number"]);
    assert_eq!(hers["number"].as_str().unwrap().len(), 60);
    assert_eq!((&hers["verified"], &hers["comparison"]), (&false.into(), &Value::Null));

    let code = his["code"].as_str().unwrap();
    let compared = giulia.one(&["safety-number", "marco", "--compare", code, "--verified"]);
    assert_eq!((&compared["comparison"], &compared["verified"]), (&"match".into(), &true.into()));
    desktop.ok(&["sync"]);
    assert_eq!(desktop.one(&["safety-number", "marco"])["verified"], true, "on all own devices");
    assert_eq!(marco.one(&["safety-number", "giulia"])["verified"], false);

    let other = world.register("ada");
    let run = other.run(&["safety-number", "giulia", "--compare", code, "--verified"]);
    assert_eq!((run.code, &run.json()[0]["comparison"]), (1, &"mismatch".into()));
    assert_eq!(run.json()[0]["verified"], false, "what does not fit is not marked");
    assert!(run.stderr.contains("somebody stands between"), "{}", run.stderr);
    other.fails(1, &["safety-number", "giulia", "--compare", "12345"]);

    assert_eq!(desktop.one(&["safety-number", "marco", "--not-verified"])["verified"], false);
    let text = desktop.text(&["safety-number", "marco", "--qr"]).stdout;
    let digits = hers["number"].as_str().unwrap();
    assert!(text.contains(&digits[..5]) && text.contains("not verified"), "{text}");
    assert!(text.lines().count() > 20, "with a picture: {text}");
    assert!(giulia.fails(1, &["safety-number", "giulia"]).contains("that is you"));
}
