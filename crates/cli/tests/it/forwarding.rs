//! Two processes, one folder: the one that stays runs the commands of the other.

use std::time::Duration;

use crate::harness::World;

#[test]
fn every_sort_of_command_works_beside_a_follower() {
    let world = World::new();
    let giulia = world.register("giulia");
    let bo = world.register("bo");
    let mut following = giulia.follow();

    let sent = giulia.one(&["send", "bo", "from another terminal"]);
    assert_eq!(sent["state"], "sent");
    assert_eq!(giulia.texts("bo"), ["from another terminal"]);
    assert_eq!(giulia.one(&["whoami"])["username"], "giulia");
    let said = giulia.fails(1, &["history", "nobody"]);
    assert!(said.contains("no such conversation") && said.contains("hint: "), "errors come across: {said}");
    giulia.fails(1, &["register", "--username", "other"]);
    let text = giulia.text(&["history", "bo"]);
    assert!(text.stdout.contains("✓") && text.stdout.starts_with("— "), "{}", text.stdout);
    giulia.ok(&["group", "create", "Trip", "bo"]);
    giulia.ok(&["doctor"]);

    bo.ok(&["send", "giulia", "answer"]);
    assert_eq!(following.next()["text"], "answer");
    following.interrupt();
    following.ends(0);
}

#[test]
fn relative_files_mean_the_folder_they_were_typed_in() {
    let world = World::new();
    let giulia = world.register("giulia");
    let _following = giulia.follow();
    let file = world.file("chat.txt", "12/03/2024, 14:05 - Anna: ciao\n31/03/2024, 14:06 - Bo: hi\n");
    let run = std::process::Command::new(env!("CARGO_BIN_EXE_diario"))
        .current_dir(file.parent().unwrap())
        .args(["--json", "--home"])
        .arg(&giulia.folder)
        .args(["import", "chat.txt", "--title", "Old"])
        .output()
        .unwrap();
    assert!(run.status.success(), "{run:?}");
    assert_eq!(giulia.texts("Old"), ["ciao", "hi"]);
}

#[test]
fn a_second_follower_goes_on_alone() {
    let world = World::new();
    let giulia = world.register("giulia");
    let bo = world.register("bo");
    let mut first = giulia.follow();
    let mut second = giulia.spawn(&["sync", "--follow"]);
    assert!(second.is_silent(Duration::from_millis(300)));
    bo.ok(&["send", "giulia", "one"]);
    assert_eq!((first.next()["text"].clone(), second.next()["text"].clone()), ("one".into(), "one".into()));

    first.interrupt();
    first.ends(0);
    bo.ok(&["send", "giulia", "two"]);
    assert_eq!(second.next()["text"], "two");
    second.interrupt();
    second.ends(0);
}

#[test]
fn a_killed_holder_leaves_no_trap() {
    let world = World::new();
    let giulia = world.register("giulia");
    let mut following = giulia.follow();
    following.kill();
    giulia.ok(&["send", "self", "still here"]);
    let mut following = giulia.follow();
    giulia.ok(&["send", "self", "and again"]);
    following.interrupt();
    following.ends(0);
    assert_eq!(giulia.texts("self"), ["still here", "and again"]);
}

#[test]
fn a_path_too_long_for_a_socket_works_the_same() {
    let world = World::new();
    let mut giulia = world.home(&"long".repeat(40));
    giulia.ok(&["register", "--username", "giulia"]);
    let mut following = giulia.spawn(&["sync", "--follow"]);
    assert!(following.is_silent(Duration::from_millis(300)));
    giulia.ok(&["send", "self", "found it"]);
    following.interrupt();
    following.ends(0);
    giulia.folder.pop();
}

#[test]
fn many_commands_at_once_take_turns() {
    let world = World::new();
    let giulia = world.register("giulia");
    let sending: Vec<_> = (0..8).map(|n| giulia.spawn(&["send", "self", &format!("{n}")])).collect();
    for mut running in sending {
        running.ends(0);
    }
    let mut texts = giulia.texts("self");
    texts.sort();
    assert_eq!(texts, ["0", "1", "2", "3", "4", "5", "6", "7"]);
}
