//! The past of an account on a device that does not have all of it.

use crate::harness::World;

#[test]
fn a_device_that_fetches_nothing_by_itself_lists_at_once_and_fetches_when_told() {
    let world = World::new();
    let giulia = world.register("giulia");
    let bo = world.register("bo");
    bo.ok(&["send", "giulia", "message 0"]);
    for n in 1..30 {
        bo.ok(&["send", "--queue", "giulia", &format!("message {n}")]);
    }
    bo.ok(&["send", "giulia", "the newest"]);
    giulia.ok(&["sync"]);
    let pc = world.link(&giulia, "pc");
    assert_eq!(pc.texts("bo").len(), 31, "everything comes by itself");
    let status = pc.one(&["fetch", "--status"]);
    assert!(status["missing"] == 0 && status["auto"] == "always", "{status}");

    assert_eq!(pc.one(&["fetch", "--auto", "never"])["auto"], "never");
    pc.ok(&["rebuild"]);
    let listed = pc.ok(&["conversations"]);
    let chat = listed.iter().find(|c| c["title"] == "bo").unwrap();
    assert_eq!(chat["last"]["text"], "the newest", "{chat}");
    assert!(chat["unread"].as_u64().unwrap() >= 31, "{chat}");
    let run = pc.run(&["history", "bo"]);
    assert!(run.stderr.contains("`diario fetch` brings them"), "{}", run.stderr);
    let status = pc.one(&["fetch", "--status"]);
    assert!(status["missing"].as_u64().unwrap() >= 31 && status["estimated_bytes"].as_u64().unwrap() > 5_000);

    // A jump fetches only what it shows.
    let jumped = pc.ok(&["history", "bo", "--at", "2024-05-31", "-n", "2"]);
    assert_eq!(jumped[0]["text"], "message 0", "{jumped:?}");
    pc.ok(&["fetch"]);
    assert_eq!(pc.one(&["fetch", "--status"])["missing"], 0);
    assert_eq!(pc.texts("bo").len(), 31);
    assert!(pc.fails(2, &["history", "bo", "--at", "someday"]).contains("not a date"));
}

#[test]
fn fetching_that_is_torn_goes_on_where_it_was() {
    let mut world = World::new();
    let giulia = world.register("giulia");
    for n in 0..40 {
        giulia.ok(&["send", "--queue", "self", &format!("note {n}")]);
    }
    giulia.ok(&["sync"]);
    giulia.ok(&["fetch", "--auto", "never"]);
    giulia.ok(&["rebuild"]);
    world.server.kill();
    giulia.fails(3, &["fetch", "--timeout", "0.3"]);
    world.server.run();
    giulia.ok(&["fetch"]);
    assert_eq!(giulia.texts("self").len(), 40);
}
