//! Two people, four devices: the main job of Diario, with the phone off.

use serde_json::Value;

use crate::harness::{Home, Running, World, until};

/// A phone and a PC of one account.
fn pair(world: &World, username: &str) -> (Home, Home) {
    let phone = world.register(username);
    let pc = world.link(&phone, &format!("{username}-pc"));
    (phone, pc)
}

fn hears(running: &mut Running, text: &str) -> Value {
    loop {
        let message = running.next();
        if message["text"] == text {
            return message;
        }
    }
}

#[test]
fn messages_reach_all_four_devices_and_a_killed_phone_catches_up() {
    let world = World::new();
    let (giulia, giulia_pc) = pair(&world, "giulia");
    let (marco, marco_pc) = pair(&world, "marco");
    let mut phone = giulia.follow();
    let mut others = [giulia_pc.follow(), marco.follow(), marco_pc.follow()];

    let sent = giulia.one(&["send", "marco", "ciao Marco"]);
    assert_eq!(sent["state"], "sent");
    for device in &mut others {
        let message = hears(device, "ciao Marco");
        assert_eq!(message["id"], sent["id"]);
        assert_eq!(message["sender"], "giulia");
    }
    marco_pc.ok(&["send", "giulia", "ciao Giulia"]);
    hears(&mut phone, "ciao Giulia");
    for device in &mut others[..2] {
        hears(device, "ciao Giulia");
    }

    phone.kill();
    giulia_pc.ok(&["send", "marco", "from the pc, the phone is dead"]);
    hears(&mut others[1], "from the pc, the phone is dead");
    marco.ok(&["send", "giulia", "still reaching you"]);
    hears(&mut others[0], "still reaching you");

    let mut phone = giulia.follow();
    hears(&mut phone, "from the pc, the phone is dead");
    hears(&mut phone, "still reaching you");
    let expected = ["ciao Marco", "ciao Giulia", "from the pc, the phone is dead", "still reaching you"];
    for (home, other) in
        [(&giulia, "marco"), (&giulia_pc, "marco"), (&marco, "giulia"), (&marco_pc, "giulia")]
    {
        assert_eq!(home.texts(other), expected);
    }
    let seqs = |home: &Home, other: &str| -> Vec<Value> {
        home.ok(&["history", other]).into_iter().map(|m| m["seq"].clone()).collect()
    };
    assert_eq!(seqs(&giulia, "marco"), seqs(&marco_pc, "giulia"));
}

#[test]
fn a_read_marker_moves_on_every_device() {
    let world = World::new();
    let (giulia, giulia_pc) = pair(&world, "giulia");
    let marco = world.register("marco");
    let mut devices = [giulia.follow(), giulia_pc.follow()];
    let _marco = marco.follow();
    let sent = marco.one(&["send", "giulia", "read me"]);
    for device in &mut devices {
        hears(device, "read me");
    }
    let unread = |home: &Home| {
        home.ok(&["conversations"]).iter().find(|c| c["title"] == "marco").unwrap()["unread"].clone()
    };
    assert_eq!(unread(&giulia), 1);
    giulia_pc.ok(&["read", "marco"]);
    until("the phone knows that it was read on the pc", || unread(&giulia) == 0);
    let state =
        || marco.ok(&["history", "giulia"]).iter().find(|m| m["id"] == sent["id"]).unwrap()["state"].clone();
    until("marco sees that it was read", || state() == "read");
}

#[test]
fn what_was_sent_while_everybody_was_away_arrives_once() {
    let mut world = World::new();
    let (giulia, giulia_pc) = pair(&world, "giulia");
    let marco = world.register("marco");
    marco.ok(&["send", "giulia", "first"]);
    world.server.stop();
    let said = marco.run(&["send", "giulia", "while the server is away", "--timeout", "1"]);
    assert_eq!(said.code, 3, "{}{}", said.stdout, said.stderr);
    assert!(said.stderr.contains("outbox"), "{}", said.stderr);
    world.server.run();
    marco.ok(&["sync"]);
    marco.ok(&["send", "giulia", "third"]);
    for home in [&giulia, &giulia_pc] {
        home.ok(&["sync"]);
        assert_eq!(home.texts("marco"), ["first", "while the server is away", "third"]);
    }
}

#[test]
fn a_revoked_pc_is_cut_off() {
    let world = World::new();
    let (giulia, giulia_pc) = pair(&world, "giulia");
    let marco = world.register("marco");
    giulia_pc.ok(&["send", "marco", "from the pc"]);
    let following = giulia_pc.follow();
    giulia.ok(&["devices", "revoke", "giulia-pc"]);
    marco.ok(&["send", "giulia", "not for the pc"]);
    giulia.ok(&["sync"]);
    assert_eq!(giulia.texts("marco"), ["from the pc", "not for the pc"]);
    let mut said = String::new();
    until("the follower says that it was removed", || {
        said += &following.said();
        said.contains("removed")
    });
    drop(following);
    let refused = giulia_pc.run(&["send", "marco", "let me in"]);
    assert_ne!(refused.code, 0);
    assert!(refused.stderr.contains("removed from its account"), "{}", refused.stderr);
    assert_eq!(giulia_pc.texts("marco"), ["from the pc"]);
}
