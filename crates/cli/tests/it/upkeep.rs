//! Doctor and rebuild.

use crate::harness::World;

#[test]
fn a_healthy_device_is_called_so() {
    let world = World::new();
    let giulia = world.register("giulia");
    giulia.ok(&["send", "self", "hello"]);
    let findings = giulia.ok(&["doctor"]);
    assert!(findings.iter().all(|f| f["ok"] == true), "{findings:?}");
    let checks: Vec<_> = findings.iter().map(|f| f["check"].as_str().unwrap()).collect();
    assert_eq!(checks, ["store", "server", "clock", "device", "outbox", "gaps", "keys"]);
}

#[test]
fn the_doctor_says_what_is_wrong() {
    let mut world = World::new();
    let giulia = world.register("giulia");
    world.server.kill();
    let run = giulia.run(&["doctor", "--timeout", "0.3"]);
    assert_eq!(run.code, 1);
    let findings = run.json();
    let server = findings.iter().find(|f| f["check"] == "server").unwrap();
    assert!(server["ok"] == false && server["hint"].is_string(), "{server}");

    let store = giulia.folder.join("diario.db");
    for name in ["diario.db-wal", "diario.db-shm"] {
        let _ = std::fs::remove_file(giulia.folder.join(name));
    }
    std::fs::write(
        store,
        "this is no database, but it is long enough to look like one at first sight".repeat(20),
    )
    .unwrap();
    let run = giulia.run(&["doctor"]);
    assert_eq!(run.code, 1);
    assert!(run.json()[0]["check"] == "store" && run.json()[0]["ok"] == false, "{}", run.stdout);

    let empty = world.home("empty").run(&["doctor"]);
    assert_eq!(empty.code, 1);
    assert!(empty.stdout.contains("no account"), "{}", empty.stdout);
}

#[test]
fn what_is_rebuilt_is_what_was_there() {
    let world = World::new();
    let giulia = world.register("giulia");
    let bo = world.register("bo");
    for n in 0..20 {
        giulia.ok(&["send", "--queue", "self", &format!("note {n}")]);
    }
    giulia.ok(&["send", "bo", "hello"]);
    bo.ok(&["send", "giulia", "hi"]);
    giulia.ok(&["sync"]);
    let before = (giulia.texts("self"), giulia.texts("bo"));
    assert_eq!((before.0.len(), before.1.len()), (20, 2));
    let rebuilt = giulia.one(&["rebuild"]);
    assert_eq!(rebuilt["rebuilt"], true);
    assert_eq!((giulia.texts("self"), giulia.texts("bo")), before);
    giulia.ok(&["send", "bo", "still friends"]);
    assert_eq!(bo.ok(&["sync"]).last().unwrap()["text"], "still friends");
    giulia.ok(&["doctor"]);
}

#[test]
fn how_long_a_conversation_is_kept_is_set_and_told() {
    let world = World::new();
    let giulia = world.register("giulia");
    let bo = world.register("bo");
    giulia.ok(&["send", "bo", "hello"]);
    assert_eq!(giulia.one(&["retention", "bo"])["retention"]["effective"], "forever");
    assert_eq!(giulia.one(&["retention", "bo", "30d"])["retention"]["agreed"], "30d");
    bo.ok(&["sync"]);
    assert_eq!(bo.one(&["retention", "giulia"])["retention"]["effective"], "30d");
    giulia.fails(2, &["retention", "bo", "sometimes"]);
}
