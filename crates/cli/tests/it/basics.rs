//! Register, send, sync, history: what is printed, and when.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::World;

fn keys(object: &Value) -> Vec<&str> {
    let mut keys: Vec<_> = object.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

#[test]
fn a_message_goes_from_one_to_another_and_looks_as_documented() {
    let world = World::new();
    let giulia = world.register("giulia");
    let bo = world.register("bo");

    let sent = giulia.one(&["send", "bo", "hello", "there"]);
    assert_eq!(
        keys(&sent),
        [
            "conversation",
            "device",
            "id",
            "kind",
            "mine",
            "sender",
            "sent_at",
            "seq",
            "state",
            "text",
            "title"
        ]
    );
    assert_eq!((&sent["text"], &sent["state"]), (&"hello there".into(), &"sent".into()));
    assert_eq!((&sent["title"], &sent["mine"]), (&"bo".into(), &true.into()));
    let at = sent["sent_at"].as_str().unwrap();
    assert!(at.len() == 24 && at.ends_with('Z') && at.as_bytes()[19] == b'.', "{at}");

    let got = bo.one(&["sync"]);
    assert_eq!((&got["id"], &got["seq"]), (&sent["id"], &sent["seq"]));
    assert_eq!((&got["sender"], &got["title"]), (&"giulia".into(), &"giulia".into()));
    assert_eq!((&got["mine"], &got["kind"]), (&false.into(), &"message".into()));
    assert!(bo.ok(&["sync"]).is_empty(), "what was printed is not new any more");

    assert_eq!(bo.texts("giulia"), ["hello there"]);
    let id = got["conversation"].as_str().unwrap();
    assert_eq!(bo.texts(&id[..6]), ["hello there"], "the beginning of an id will do");

    let [direct, own] = &bo.ok(&["conversations"])[..] else { panic!("two conversations") };
    assert_eq!(
        keys(direct),
        [
            "conversation",
            "gap",
            "key_changed",
            "kind",
            "last",
            "members",
            "open",
            "title",
            "unread",
            "verified"
        ]
    );
    assert_eq!((&direct["kind"], &direct["unread"]), (&"direct".into(), &1.into()));
    assert_eq!(direct["last"]["text"], "hello there");
    assert_eq!(own["kind"], "self");

    let read = bo.one(&["read", "giulia"]);
    assert_eq!(read["read"]["unread"], 0);
    giulia.ok(&["sync"]);
    assert_eq!(giulia.ok(&["history", "bo"]).last().unwrap()["state"], "read");
}

#[test]
fn notes_to_self_and_words_from_standard_input() {
    let world = World::new();
    let giulia = world.register("giulia");
    giulia.ok(&["send", "self", "milk"]);
    let run = giulia.run_with(&["send", "self", "-"], "two\nlines\n");
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(giulia.texts("self"), ["milk", "two\nlines"]);
}

#[test]
fn history_is_paged() {
    let world = World::new();
    let giulia = world.register("giulia");
    for n in 0..5 {
        giulia.ok(&["send", "--queue", "self", &n.to_string()]);
    }
    giulia.ok(&["sync"]);
    let all = giulia.ok(&["history", "self"]);
    let newest = giulia.ok(&["history", "self", "--limit", "2"]);
    assert_eq!(newest[..], all[all.len() - 2..]);
    let before = newest[0]["seq"].to_string();
    let older = giulia.ok(&["history", "self", "--limit", "2", "--before", &before]);
    assert_eq!(older[..], all[all.len() - 4..all.len() - 2]);
}

#[test]
fn a_follower_prints_what_comes_and_ends_cleanly() {
    let world = World::new();
    let giulia = world.register("giulia");
    let bo = world.register("bo");
    let mut following = bo.follow();
    for n in 0..3 {
        giulia.ok(&["send", "bo", &format!("number {n}")]);
        assert_eq!(following.next()["text"], format!("number {n}"));
    }
    following.interrupt();
    following.ends(0);
    assert!(!bo.folder.join("control.sock").exists(), "it takes its socket with it");
}

#[test]
fn following_for_a_time_ends_by_itself() {
    let world = World::new();
    let giulia = world.register("giulia");
    let begun = Instant::now();
    assert!(giulia.ok(&["sync", "--for", "0.5"]).is_empty());
    assert!(begun.elapsed() >= Duration::from_millis(500));
}

#[test]
fn a_message_without_a_connection_waits_and_then_goes_out() {
    let mut world = World::new();
    let giulia = world.register("giulia");
    let bo = world.register("bo");
    giulia.ok(&["send", "bo", "one"]);
    world.server.kill();

    let run = giulia.run(&["send", "bo", "two", "--timeout", "0.5"]);
    assert_eq!(run.code, 3, "{}", run.stderr);
    assert_eq!(run.json()[0]["state"], "pending");
    assert!(run.stderr.contains("waits in the outbox") && run.stderr.contains("hint: "), "{}", run.stderr);
    let queued = giulia.one(&["send", "--queue", "bo", "three"]);
    assert_eq!((&queued["state"], &queued["seq"]), (&"pending".into(), &Value::Null));
    // What only reads does not try to connect.
    let begun = Instant::now();
    assert_eq!(giulia.texts("bo"), ["one", "two", "three"]);
    assert_eq!(giulia.one(&["whoami"])["username"], "giulia");
    giulia.ok(&["devices"]);
    giulia.ok(&["conversations"]);
    assert!(begun.elapsed() < Duration::from_secs(5));

    world.server.run();
    giulia.ok(&["sync"]);
    let got: Vec<_> = bo.ok(&["sync"]).iter().map(|m| m["text"].as_str().unwrap().to_owned()).collect();
    assert_eq!(got, ["one", "two", "three"]);
}

#[test]
fn typing_is_told_and_costs_nothing() {
    let world = World::new();
    let giulia = world.register("giulia");
    world.register("bo");
    giulia.ok(&["send", "bo", "hello"]);
    assert!(giulia.one(&["typing", "bo"])["typing"].is_string());
}

#[test]
fn people_see_columns_and_nothing_that_steers_their_terminal() {
    let world = World::new();
    let giulia = world.register("giulia");
    giulia.ok(&["send", "self", "a\u{1b}[2Jb\u{202e}c"]);
    let history = giulia.text(&["history", "self"]);
    assert!(history.stdout.contains("giulia  ✓"), "{}", history.stdout);
    assert!(history.stdout.contains("a\u{fffd}[2Jb\u{fffd}c"), "{}", history.stdout);
    assert!(history.stdout.starts_with("— "), "{}", history.stdout);
    assert!(!history.stdout.contains('\u{1b}'), "no colours where there is no terminal");
    let json = giulia.run(&["history", "self"]);
    assert!(json.stdout.contains("\\u001b[2Jb\\u202ec"), "{}", json.stdout);
}

#[test]
fn an_invite_lets_so_many_in() {
    let world = World::with(&["--registration", "invite"]);
    let home = world.home("giulia");
    let said = home.fails(4, &["register", "--username", "giulia"]);
    assert!(said.contains("invite"), "{said}");
    let data = world.server.data().to_str().unwrap();
    let code = home.one(&["invite", "--data", data])["invite"].as_str().unwrap().to_owned();
    home.ok(&["register", "--username", "giulia", "--invite", &code]);
    world.home("bo").fails(4, &["register", "--username", "bo", "--invite", &code]);
}

#[test]
fn a_stopping_server_finishes_what_is_under_way() {
    let mut world = World::new();
    let giulia = world.register("giulia");
    let mut following = giulia.follow();
    assert!(world.server.stop().success());
    assert!(following.is_silent(Duration::from_millis(200)), "a follower stays");
    world.server.run();
    giulia.ok(&["send", "self", "back"]);
    following.interrupt();
    following.ends(0);
}
