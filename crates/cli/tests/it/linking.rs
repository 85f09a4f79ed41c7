//! New devices: both codes, approving, refusing, revoking.

use crate::harness::World;

#[test]
fn a_device_is_linked_by_eight_characters() {
    let world = World::new();
    let phone = world.register("giulia");
    phone.ok(&["send", "self", "before"]);
    let desktop = world.home("desktop");
    let mut linking = desktop.spawn(&["link", "--code", "--device-name", "desktop"]);
    let shown = linking.next();
    assert_eq!(shown["kind"], "pairing");
    let code = shown["code"].as_str().unwrap();
    assert_eq!(code.replace('-', "").len(), 8, "{code}");

    let [request, approved] = &phone.ok(&["approve", code, "--yes"])[..] else { panic!("two objects") };
    assert_eq!(request["request"]["name"], "desktop");
    let linked = linking.next();
    assert_eq!(linked["linked"]["username"], "giulia");
    assert_eq!(linked["linked"]["device"], approved["approved"]["device"]);
    linking.ends(0);
    assert_eq!(desktop.texts("self"), ["before"], "what was said before is there");

    let devices = desktop.ok(&["devices"]);
    assert_eq!(devices.len(), 2);
    let this = devices.iter().find(|d| d["this"] == true).unwrap();
    assert_eq!(
        (&this["name"], &this["primary"], &this["state"]),
        (&"desktop".into(), &false.into(), &"valid".into())
    );
    assert!(this["valid_until"].is_string());

    desktop.ok(&["send", "self", "after"]);
    assert_eq!(phone.one(&["sync"])["text"], "after");
}

#[test]
fn a_device_is_linked_by_the_text_of_its_qr_code() {
    let world = World::new();
    let phone = world.register("giulia");
    let desktop = world.home("desktop");
    let mut linking = desktop.spawn(&["link"]);
    let shown = linking.next();
    assert_eq!(shown["kind"], "qr");
    phone.ok(&["approve", shown["code"].as_str().unwrap(), "--yes"]);
    assert_eq!(linking.next()["linked"]["username"], "giulia");
    linking.ends(0);
}

#[test]
fn nobody_is_let_in_unasked() {
    let world = World::new();
    let phone = world.register("giulia");
    let said = phone.fails(2, &["approve", "ABCD-EFGH"]);
    assert!(said.contains("--yes"), "{said}");
    let said = phone.fails(1, &["approve", "ABC", "--yes"]);
    assert!(said.contains("8 characters"), "{said}");
    let said = phone.fails(4, &["approve", "ABCD-EFGH", "--yes"]);
    assert!(said.contains("no longer good"), "{said}");
    assert_eq!(phone.ok(&["devices"]).len(), 1);
}

#[test]
fn a_revoked_device_is_told_and_keeps_what_it_has() {
    let world = World::new();
    let phone = world.register("giulia");
    let desktop = world.link(&phone, "desktop");
    assert!(
        phone.ok(&["devices"]).iter().any(|d| d["name"] == "desktop"),
        "it is called by its name at once"
    );
    phone.ok(&["send", "self", "secret plan"]);
    desktop.ok(&["sync"]);
    let revoked = phone.one(&["devices", "revoke", "desktop"]);
    assert_eq!(revoked["revoked"]["name"], "desktop");
    assert_eq!(phone.ok(&["devices"]).len(), 1);
    phone.ok(&["send", "self", "after"]);

    let said = desktop.fails(4, &["sync"]);
    assert!(said.contains("removed from its account"), "{said}");
    desktop.fails(4, &["send", "self", "x"]);
    assert_eq!(desktop.texts("self"), ["secret plan"]);
    let said = phone.fails(1, &["devices", "revoke", "giulia-1"]);
    assert!(said.contains("only primary"), "{said}");
}

#[test]
fn an_interrupted_link_leaves_nothing() {
    let world = World::new();
    let desktop = world.home("desktop");
    let mut linking = desktop.spawn(&["link", "--code"]);
    linking.next();
    linking.interrupt();
    linking.ends(130);
    desktop.fails(1, &["whoami"]);
}
