//! What goes wrong: the exit code, the cause, and what to do.

use crate::harness::World;

#[test]
fn without_an_account_it_is_said_how_to_get_one() {
    let world = World::new();
    let home = world.home("empty");
    for args in [
        &["whoami"][..],
        &["conversations"],
        &["devices"],
        &["sync"],
        &["send", "bo", "x"],
        &["history", "bo"],
    ] {
        let said = home.fails(1, args);
        assert!(said.contains("no account here yet") && said.contains("hint: `diario register`"), "{said}");
    }
}

#[test]
fn wrong_words_are_told_with_hints() {
    let world = World::new();
    let giulia = world.register("giulia");
    let said = giulia.fails(1, &["history", "nobody"]);
    assert!(said.contains("no such conversation") && said.contains("hint: `diario conversations`"), "{said}");
    let said = giulia.fails(1, &["send", "nobody", "hello"]);
    assert!(said.contains("nobody called nobody"), "{said}");
    let said = giulia.fails(1, &["devices", "revoke", "ffff"]);
    assert!(said.contains("no such device"), "{said}");
    let said = giulia.fails(1, &["send", "self", " "]);
    assert!(said.contains("empty"), "{said}");
    let said = giulia.fails(1, &["send", "self", &"x".repeat(100_000)]);
    assert!(said.contains("100"), "{said}");
    let said = giulia.fails(1, &["register", "--username", "other"]);
    assert!(said.contains("belongs to the account giulia"), "{said}");
    let said = giulia.fails(1, &["import", "/nowhere/chat.txt"]);
    assert!(said.contains("/nowhere/chat.txt"), "{said}");
}

#[test]
fn the_command_line_is_checked() {
    let world = World::new();
    let giulia = world.register("giulia");
    for args in [&["frobnicate"][..], &["history"], &["sync", "--for", "x"], &["invite", "--uses", "0"]] {
        assert_eq!(giulia.run(args).code, 2, "{args:?}");
    }
    assert_eq!(giulia.run(&["--help"]).code, 0);
}

#[test]
fn the_server_says_no() {
    let world = World::new();
    world.register("giulia");
    let home = world.home("second");
    let said = home.fails(4, &["register", "--username", "giulia"]);
    assert!(said.contains("taken"), "{said}");
    // Nothing was made: another name may be tried.
    home.ok(&["register", "--username", "giulia2"]);
    let said = world.home("third").fails(1, &["register", "--username", "9lives"]);
    assert!(said.contains("username"), "{said}");
}

#[test]
fn an_address_where_nobody_is_makes_nothing() {
    let world = World::new();
    let home = world.home("lost");
    let said = home.fails(3, &["register", "--server", "http://127.0.0.1:9", "--username", "giulia"]);
    assert!(said.contains("does not answer") && said.contains("hint: "), "{said}");
    home.fails(2, &["register", "--server", "localhost", "--username", "giulia"]);
    home.ok(&["register", "--username", "giulia"]);
}

#[test]
fn without_a_server_what_needs_it_ends_in_time() {
    let mut world = World::new();
    let giulia = world.register("giulia");
    world.server.kill();
    for args in [&["sync"][..], &["rebuild"], &["send", "stranger", "x"], &["approve", "ABCD-EFGH", "--yes"]]
    {
        let mut args = args.to_vec();
        args.extend(["--timeout", "0.3"]);
        giulia.fails(3, &args);
    }
}
