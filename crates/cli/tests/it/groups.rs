//! Groups: making them, changing who is in them, leaving.

use crate::harness::World;

#[test]
fn a_group_lives_from_its_making_to_the_last_who_leaves() {
    let world = World::new();
    let giulia = world.register("giulia");
    let bo = world.register("bo");
    let carla = world.register("carla");

    let made = giulia.one(&["group", "create", "Trip to Turin", "bo"]);
    assert_eq!(made["group"]["title"], "Trip to Turin");
    assert_eq!(made["group"]["members"].as_array().unwrap().len(), 2);
    giulia.ok(&["send", "trip to turin", "who drives?"]);
    assert_eq!(bo.one(&["sync"])["title"], "Trip to Turin");
    bo.ok(&["send", "Trip to Turin", "not me"]);

    let added = giulia.one(&["group", "add", "Trip to Turin", "carla"]);
    assert_eq!(added["added"], serde_json::json!(["carla"]));
    giulia.fails(1, &["group", "add", "Trip to Turin", "carla"]);
    giulia.ok(&["send", "Trip to Turin", "carla drives"]);
    let seen: Vec<_> = carla.ok(&["sync"]).iter().map(|m| m["text"].clone()).collect();
    assert_eq!(seen, ["carla drives"], "what was said before she came is not hers");
    let members = carla.ok(&["group", "members", "Trip to Turin"]);
    assert_eq!(members.len(), 3);
    assert_eq!(members.iter().find(|m| m["me"] == true).unwrap()["username"], "carla");

    assert_eq!(giulia.one(&["group", "remove", "Trip to Turin", "bo"])["removed"][0], "bo");
    giulia.ok(&["send", "Trip to Turin", "without bo"]);
    bo.ok(&["sync"]);
    assert!(!bo.texts("Trip to Turin").contains(&"without bo".to_owned()));
    bo.fails(1, &["send", "Trip to Turin", "hello?"]);

    assert_eq!(carla.one(&["group", "leave", "Trip to Turin"])["left"], true);
    let trip = |home: &crate::harness::Home| {
        home.ok(&["conversations"]).into_iter().find(|c| c["title"] == "Trip to Turin").unwrap()
    };
    carla.ok(&["sync"]);
    assert_eq!(trip(&carla)["open"], false);
    giulia.ok(&["sync"]);
    giulia.ok(&["send", "Trip to Turin", "alone"]);
    assert_eq!(trip(&giulia)["members"], serde_json::json!(["giulia"]));
}

#[test]
fn only_groups_have_members_to_change() {
    let world = World::new();
    let giulia = world.register("giulia");
    world.register("bo");
    giulia.ok(&["send", "bo", "hello"]);
    let said = giulia.fails(1, &["group", "leave", "bo"]);
    assert!(said.contains("only groups"), "{said}");
    giulia.fails(1, &["group", "create", "Ghosts", "nobody"]);
}

#[test]
fn a_group_that_is_called_like_somebody_does_not_catch_their_messages() {
    let world = World::new();
    let giulia = world.register("giulia");
    let mallory = world.register("mallory");
    let made = mallory.one(&["group", "create", "bo", "giulia"]);
    giulia.ok(&["sync"]);
    let said = giulia.fails(1, &["send", "bo", "for bo only"]);
    assert!(said.contains("nobody called bo") && said.contains("use the id"), "{said}");
    world.register("bo");
    assert_eq!(giulia.one(&["send", "bo", "for bo only"])["title"], "bo");
    assert!(mallory.ok(&["sync"]).is_empty());
    // By its id the group is meant, and once written to, it is known.
    giulia.ok(&["send", made["group"]["conversation"].as_str().unwrap(), "hello group"]);
    assert_eq!(mallory.one(&["sync"])["text"], "hello group");
}
