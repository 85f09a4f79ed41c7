//! Recovery keys, coming back with one, and names that begin anew.

use crate::harness::{Home, World, until};

/// Makes a recovery key and gives its words.
pub(crate) fn key(home: &Home, language: &str) -> String {
    let made = home.one(&["recovery-key", "--yes", "--language", language]);
    let words = made["recovery_key"]["words"].as_array().unwrap();
    words.iter().map(|word| word.as_str().unwrap()).collect::<Vec<_>>().join(" ")
}

pub(crate) fn recover(home: &Home, flags: &[&str], words: &str) -> crate::harness::Run {
    let args = [&["recover", "--username", "giulia", "--device-name", "new"], flags].concat();
    home.run_with(&args, words)
}

#[test]
fn a_phone_is_lost_and_recovered_and_revoked_in_two_commands() {
    let world = World::new();
    let phone = world.register("giulia");
    let marco = world.register("marco");
    let desktop = world.link(&phone, "desktop");
    phone.ok(&["send", "marco", "hello"]);
    marco.ok(&["send", "giulia", "hello yourself"]);
    let words = key(&phone, "it");
    assert_eq!(words.split(' ').count(), 24);
    let methods = phone.one(&["recovery-methods"]);
    assert_eq!(methods["recovery_method"]["kind"], "words");
    assert_eq!(methods["recovery_method"]["ready"], true);
    phone.ok(&["send", "self", "after the key"]);
    desktop.ok(&["sync"]);

    let new = world.home("new");
    let lines: Vec<_> = words.split(' ').enumerate().map(|(i, w)| format!("{}. {w}", i + 1)).collect();
    let sheet = lines.join("\n");
    let run = recover(&new, &["--revoke-others"], &sheet.to_uppercase());
    assert_eq!(run.code, 0, "{run:?}");
    let said = run.json();
    assert_eq!(said[0]["account"]["devices"].as_array().unwrap().len(), 2);
    assert_eq!(said[1]["recovered"]["username"], "giulia");
    assert_eq!(new.texts("marco"), ["hello", "hello yourself"]);
    assert_eq!(new.texts("self"), ["after the key"]);
    let devices = new.ok(&["devices"]);
    assert_eq!(
        (devices.len(), &devices[0]["primary"], &devices[0]["name"]),
        (1, &true.into(), &"new".into())
    );
    new.ok(&["send", "marco", "from the new one"]);
    assert_eq!(marco.one(&["sync"])["text"], "from the new one");
    let said = phone.fails(4, &["sync"]);
    assert!(said.contains("removed from its account"), "{said}");
    assert_eq!(phone.texts("self"), ["after the key"], "what it had stays on it");

    // A new primary makes its own key; the older one is worth nothing then.
    let newer = key(&new, "en");
    let late = world.home("late");
    assert_eq!(recover(&late, &[], &words).code, 4);
    assert_eq!(recover(&late, &[], &newer).code, 0);
    assert_eq!(late.texts("marco").len(), 3);
}

#[test]
fn wrong_words_are_said_to_be_wrong_and_few_are_tried() {
    let world = World::with(&["--set", "recovery_tries_burst=2", "--set", "recovery_tries_per_minute=6"]);
    let phone = world.register("giulia");
    let words = key(&phone, "en");
    let other = {
        let marco = world.register("marco");
        key(&marco, "en")
    };
    let new = world.home("new");
    let fails = |text: &str, code: i32| {
        let run = recover(&new, &[], text);
        assert_eq!(run.code, code, "{run:?}");
        run.stderr
    };
    let list: Vec<_> = words.split(' ').collect();
    assert!(fails(&list[1..].join(" "), 1).contains("24 words, and these are 23"));
    let mut unknown = list.clone();
    unknown[6] = "diario";
    assert!(fails(&unknown.join(" "), 1).contains("word 7"));
    for _ in 0..2 {
        let said = fails(&other, 4);
        assert!(said.contains("recovery key is not one of that account's"), "{said}");
        assert!(said.contains("hint: check the name"), "{said}");
    }
    let said = fails(&words, 4);
    assert!(said.contains("try again in"), "{said}");
    new.fails(1, &["whoami"]);
    // Tries come back, and nothing was lost.
    std::thread::sleep(std::time::Duration::from_secs(11));
    assert_eq!(recover(&new, &[], &words).code, 0);
}

#[test]
fn a_key_is_confirmed_by_people_and_removed_by_its_id() {
    let world = World::new();
    let phone = world.register("giulia");
    let desktop = world.link(&phone, "desktop");
    let said = phone.fails(2, &["recovery-key"]);
    assert!(said.contains("no terminal to ask on"), "{said}");
    let said = desktop.fails(1, &["recovery-key", "--yes"]);
    assert!(said.contains("only a primary device"), "{said}");
    assert!(phone.text(&["recovery-methods"]).stdout.contains("diario recovery-key"));
    let words = key(&phone, "it");
    let id = phone.one(&["recovery-methods"])["recovery_method"]["method"].as_str().unwrap().to_owned();
    let shown = phone.text(&["recovery-methods"]).stdout;
    assert!(shown.contains("words") && !shown.contains("not on the server"), "{shown}");
    phone.fails(1, &["recovery-methods", "--remove", "zz"]);
    assert_eq!(phone.one(&["recovery-methods", "--remove", &id[..6]])["removed"], id.as_str());
    assert!(phone.ok(&["recovery-methods"]).is_empty());
    assert_eq!(recover(&world.home("new"), &[], &words).code, 4);
}

#[test]
fn at_the_device_limit_one_is_revoked_in_the_same_command() {
    let world = World::with(&["--set", "max_devices=2"]);
    let phone = world.register("giulia");
    world.link(&phone, "desktop");
    let words = key(&phone, "en");
    let tablet = world.home("tablet");
    let linked = |revoke: &[&str]| {
        let mut linking = tablet.spawn(&["link", "--code", "--device-name", "tablet"]);
        let code = linking.next()["code"].as_str().unwrap().to_owned();
        let run = phone.run(&[&["approve", &code, "--yes"], revoke].concat());
        if run.code == 0 {
            assert!(linking.next()["linked"].is_object());
            linking.ends(0);
        } else {
            linking.kill();
        }
        run
    };
    let full = linked(&[]);
    assert_eq!(full.code, 4, "{full:?}");
    assert!(full.stderr.contains("as many devices") && full.stderr.contains("--revoke DEVICE"), "{full:?}");
    let run = linked(&["--revoke", "desktop"]);
    assert_eq!(run.code, 0, "{run:?}");
    assert!(phone.ok(&["devices"]).iter().all(|d| d["name"] != "desktop"));

    let new = world.home("new");
    let full = recover(&new, &[], &words);
    assert_eq!(full.code, 4, "{full:?}");
    assert!(full.stderr.contains("--revoke-others"), "{full:?}");
    new.fails(1, &["whoami"]);
    let lost = phone.one(&["whoami"])["device"].as_str().unwrap().to_owned();
    let run = recover(&new, &["--revoke", &lost[..8]], &words);
    assert_eq!(run.code, 0, "{run:?}");
    tablet.ok(&["sync"]);
    phone.fails(4, &["sync"]);
}

#[test]
fn a_name_is_begun_anew_and_contacts_are_warned() {
    let world = World::new();
    let data = world.server.data().to_str().unwrap();
    let (giulia, marco) = (world.register("giulia"), world.register("marco"));
    marco.ok(&["send", "giulia", "hello"]);
    giulia.ok(&["sync"]);
    let said = giulia.fails(1, &["release-name", "nobody", "--data", data]);
    assert!(said.contains("no such account"), "{said}");
    let code = giulia.one(&["release-name", "giulia", "--data", data])["invite"].as_str().unwrap().to_owned();
    let anew = world.home("anew");
    anew.fails(4, &["register", "--username", "giulia"]);
    anew.ok(&["register", "--username", "giulia", "--invite", &code]);
    world.home("third").fails(4, &["register", "--username", "giulia", "--invite", &code]);
    giulia.ok(&["sync"]);
    let renamed = giulia.one(&["whoami"])["username"].as_str().unwrap().to_owned();
    assert!(renamed.starts_with("giulia-"), "{renamed}");
    anew.ok(&["send", "marco", "it is me, with a new phone"]);
    let warned = marco.text(&["sync"]);
    assert!(warned.stderr.contains("giulia has another account now"), "{warned:?}");
    assert_eq!(marco.texts(&renamed), ["hello"], "the old conversation is the old account's");
    assert_eq!(marco.texts("giulia"), ["it is me, with a new phone"]);
    // It is said at each try, in each process, until the user knows it; nothing goes out before.
    let changed = || marco.ok(&["conversations"]).iter().filter(|c| c["key_changed"] == true).count();
    for _ in 0..2 {
        let said = marco.fails(1, &["send", "giulia", "is it you?"]);
        assert!(said.contains("another account than before") && said.contains("--accept-new-key"), "{said}");
        assert_eq!(changed(), 1);
    }
    marco.ok(&["send", "giulia", "it is you, then", "--accept-new-key"]);
    marco.ok(&["send", "giulia", "welcome back"]);
    assert_eq!(changed(), 0);
    anew.ok(&["sync"]);
    let said = ["it is me, with a new phone", "it is you, then", "welcome back"];
    assert_eq!(anew.texts("marco"), said, "and nothing of what the old account was told");
}

#[test]
fn days_that_no_device_lived_through_are_read_after_a_recovery() {
    let world = World::new();
    let (phone, marco) = (world.register("giulia"), world.register("marco"));
    phone.ok(&["send", "marco", "before"]);
    marco.ok(&["send", "giulia", "hello"]);
    phone.ok(&["sync"]);
    let words = key(&phone, "en");
    // Her only phone is off. Each device that marco gets turns the epoch at what is said next.
    for day in 1..=3 {
        world.link(&marco, &format!("marco-{day}"));
        marco.ok(&["send", "giulia", &format!("day {day}")]);
    }
    // It is lost, without having been on again.
    std::fs::remove_dir_all(&phone.folder).unwrap();
    let new = world.home("new");
    assert_eq!(recover(&new, &["--revoke-others"], &words).code, 0);
    let (_new, _marco) = (new.follow(), marco.follow());
    let all = ["before", "hello", "day 1", "day 2", "day 3"];
    until("marco gives the keys of those days", || new.texts("marco") == all);
    new.ok(&["send", "marco", "I have it all"]);
    until("it arrives", || marco.texts("giulia").last().is_some_and(|text| text == "I have it all"));
}

#[test]
fn what_was_said_while_no_device_lived_is_read_once_both_have_synced() {
    let world = World::new();
    let (marco, phone) = (world.register("marco"), world.register("giulia"));
    let words = key(&phone, "en");
    drop(phone);
    marco.ok(&["send", "giulia", "while nobody was there"]);

    let new = world.home("new");
    assert_eq!(recover(&new, &["--revoke-others"], &words).code, 0);
    new.ok(&["sync"]);
    let waits = new.ok(&["history", "marco"]);
    let timeless = |row: &serde_json::Value| row["sent_at"].as_str().unwrap().starts_with("1970");
    assert!(!waits.iter().any(timeless), "the server knows when: {waits:?}");
    // Each of these ends by itself, and only once it asked, or answered.
    marco.ok(&["sync"]);
    new.ok(&["sync"]);
    assert!(new.texts("marco").contains(&"while nobody was there".to_owned()), "{:?}", new.texts("marco"));
}
