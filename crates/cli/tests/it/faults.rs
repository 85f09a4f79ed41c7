//! Bad lines, killed devices and files that cannot grow: nothing is lost, doubled or out of order.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;

use crate::harness::{Home, World, until};
use crate::line::{Line, Weather};

/// A line to the world's server.
fn line(world: &World) -> Line {
    Line::to(world.server.url().trim_start_matches("http://"))
}

fn is_once_and_in_order_everywhere(homes: &[&Home], to: &[&str]) -> BTreeSet<String> {
    let expected = homes[0].texts(to[0]);
    let distinct: BTreeSet<_> = expected.iter().cloned().collect();
    assert_eq!(distinct.len(), expected.len(), "nothing twice: {expected:?}");
    for (home, to) in homes.iter().zip(to) {
        assert_eq!(home.texts(to), expected, "the same order on every device");
        let at_rest = |m: &Value| !["refused", "waiting", "pending"].iter().any(|state| m["state"] == *state);
        assert!(home.ok(&["history", to, "--limit", "1000000"]).iter().all(at_rest));
    }
    distinct
}

#[test]
fn lines_that_tear_stall_and_throttle_lose_double_and_reorder_nothing() {
    const SEED: u64 = 7;
    eprintln!("the weather of seed {SEED}");
    let world = World::new();
    let lines: Vec<Line> = (0..4).map(|_| line(&world)).collect();
    let giulia = world.register_over("giulia", &lines[0].url());
    let marco = world.register_over("marco", &lines[1].url());
    let giulia_pc = world.link_over(&giulia, "giulia-pc", &lines[2].url());
    let marco_pc = world.link_over(&marco, "marco-pc", &lines[3].url());
    giulia.ok(&["send", "marco", "hello"]);
    marco.ok(&["sync"]);
    let homes = [&giulia, &marco, &giulia_pc, &marco_pc];
    let to = ["marco", "giulia", "marco", "giulia"];
    let followers: Vec<_> = homes.iter().map(|home| home.follow()).collect();

    for (line, n) in lines.iter().zip(0..) {
        line.turn(Weather::seeded(SEED + n));
    }
    let mut said: BTreeSet<String> = BTreeSet::from(["hello".into()]);
    for round in 0..12 {
        for ((home, to), who) in homes.iter().zip(to).zip(0..) {
            let text = format!("{who}: {round}");
            home.ok(&["send", to, &text, "--queue"]);
            said.insert(text);
        }
        std::thread::sleep(Duration::from_millis(400));
    }
    for line in &lines {
        line.turn(|| Weather::FINE);
    }
    let is_there = |home: &Home, to: &str| home.texts(to).len() >= said.len();
    until("everything is everywhere", || homes.iter().zip(to).all(|(home, to)| is_there(home, to)));
    drop(followers);
    assert_eq!(is_once_and_in_order_everywhere(&homes, &to), said);
}

/// A line whose first connections tear after so many bytes.
fn torn_at_first(world: &World, bytes: usize) -> Line {
    let line = line(world);
    let mut connection = 0;
    line.turn(move || {
        connection += 1;
        Weather { torn_after: (connection <= 3).then_some(bytes), ..Weather::FINE }
    });
    line
}

fn ids(home: &Home) -> BTreeSet<String> {
    home.ok(&["devices"]).iter().map(|d| d["device"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_device_is_linked_over_a_line_that_tears_wherever_it_does() {
    let world = World::new();
    let phone = world.register("giulia");
    phone.ok(&["send", "self", "before"]);
    // In the upgrade, in the greeting, in the linking, in the first screen.
    for bytes in [90, 250, 400, 700, 1_100, 1_800, 3_000, 6_000] {
        let line = torn_at_first(&world, bytes);
        let name = format!("torn-after-{bytes}");
        let new = world.home_over(&name, &line.url());
        // Whoever is told that it failed tries again.
        let linked = (0..4).any(|_| {
            let mut linking = new.spawn(&["link", "--code", "--device-name", &name]);
            let Some(shown) = linking.try_next() else { return false };
            let code = shown["code"].as_str().unwrap().to_owned();
            phone.run(&["approve", &code, "--yes"]);
            let linked = linking.try_next().is_some_and(|said| said["linked"].is_object());
            if linked {
                linking.ends(0);
            }
            linked
        });
        assert!(linked, "torn after {bytes} bytes");
        assert_eq!(new.texts("self"), ["before"], "torn after {bytes} bytes");
        let this = new.ok(&["devices"]).into_iter().find(|d| d["this"] == true).unwrap();
        assert_eq!((&this["name"], &this["state"]), (&name.into(), &"valid".into()));
        assert_eq!(ids(&new), ids(&phone), "both know the same devices");
    }
    phone.ok(&["send", "self", "after"]);
    assert_eq!(phone.texts("self"), ["before", "after"]);
}

#[test]
fn an_account_is_recovered_over_a_line_that_tears_wherever_it_does() {
    let world = World::new();
    let mut last = world.register("giulia");
    last.ok(&["send", "self", "before"]);
    let words = crate::recovery::key(&last, "en");
    for bytes in [90, 300, 700, 1_500, 3_000] {
        let line = torn_at_first(&world, bytes);
        let new = world.home_over(&format!("torn-after-{bytes}"), &line.url());
        let recovered = (0..5).any(|_| crate::recovery::recover(&new, &[], &words).code == 0);
        assert!(recovered, "torn after {bytes} bytes");
        assert_eq!(new.texts("self"), ["before"], "torn after {bytes} bytes");
        let this = new.ok(&["devices"]).into_iter().find(|d| d["this"] == true).unwrap();
        assert_eq!(this["primary"], true);
        last.ok(&["sync"]);
        assert_eq!(ids(&new), ids(&last), "both know the same devices");
        last = new;
    }
}

#[test]
fn a_device_that_is_killed_again_and_again_sends_everything_once() {
    let world = World::new();
    let giulia = world.register("giulia");
    let marco = world.register("marco");
    giulia.ok(&["send", "marco", "hello"]);
    let mut said: BTreeSet<String> = BTreeSet::from(["hello".into()]);
    for round in 0..8_u64 {
        let mut follower = giulia.follow();
        std::thread::scope(|scope| {
            let sending = scope.spawn(|| {
                let texts = (0..4).map(|n| format!("{round}: {n}"));
                // The one under way when the device is killed may be kept or not: its command fails.
                texts
                    .filter(|text| giulia.run(&["send", "marco", text, "--queue"]).code == 0)
                    .collect::<Vec<_>>()
            });
            // Moments that nobody chose, the same at every run.
            std::thread::sleep(Duration::from_millis(20 + round.wrapping_mul(2_654_435_761) % 120));
            let mut unheard = giulia.spawn(&["send", "marco", &format!("{round}: killed"), "--queue"]);
            follower.kill();
            unheard.kill();
            said.extend(sending.join().unwrap());
        });
    }
    assert!(said.len() > 8, "most were kept: {said:?}");
    giulia.ok(&["sync"]);
    marco.ok(&["sync"]);
    let there = is_once_and_in_order_everywhere(&[&giulia, &marco], &["marco", "giulia"]);
    assert!(said.is_subset(&there), "lost: {:?}", said.difference(&there));
}

#[test]
fn a_server_whose_disk_is_full_keeps_what_it_has_and_takes_the_rest_when_there_is_room() {
    let mut world = World::new();
    let giulia = world.register("giulia");
    let marco = world.register("marco");
    giulia.ok(&["send", "marco", "hello"]);
    world.server.stop();
    let size = std::fs::metadata(world.server.data().join("diario.sqlite")).unwrap().len();
    world.server.run_in(size + 64 * 1024);
    let long = "x".repeat(3_000);
    let mut said: BTreeSet<String> = BTreeSet::from(["hello".into()]);
    let mut kept_back = 0;
    for n in 0..200 {
        let text = format!("{n} {long}");
        let run = giulia.run(&["send", "marco", &text, "--timeout", "1"]);
        // 3: it is kept here until the server takes it.
        assert!([0, 3].contains(&run.code), "{n}: {run:?}");
        if run.code == 3 {
            assert!(run.stderr.contains("error: "), "{run:?}");
            kept_back += 1;
        }
        said.insert(text);
        if kept_back == 3 {
            break;
        }
    }
    assert_eq!(kept_back, 3, "the disk was full");
    // It goes on by itself.
    world.server.make_room();
    giulia.ok(&["sync"]);
    marco.ok(&["sync"]);
    assert_eq!(is_once_and_in_order_everywhere(&[&giulia, &marco], &["marco", "giulia"]), said);
}

#[test]
fn a_device_whose_disk_is_full_says_so_and_loses_nothing() {
    let world = World::new();
    let giulia = world.register("giulia");
    let marco = world.register("marco");
    giulia.ok(&["send", "marco", "hello"]);
    let long = "x".repeat(20_000);
    let mut said = vec!["hello".to_owned()];
    let full = (0..50).find_map(|n| {
        let text = format!("{n} {long}");
        let run = giulia.run_in(300 * 1024, &["send", "marco", &text, "--queue"]);
        if run.code == 0 {
            said.push(text);
            return None;
        }
        Some(run)
    });
    let full = full.expect("no room");
    assert_eq!(full.code, 1, "{full:?}");
    assert!(full.stderr.contains("error: ") && full.stderr.contains("disk"), "{}", full.stderr);
    giulia.ok(&["sync"]);
    giulia.ok(&["send", "marco", "there is room again"]);
    said.push("there is room again".into());
    marco.ok(&["sync"]);
    assert!(giulia.ok(&["doctor"]).iter().all(|check| check["ok"] == true));
    assert_eq!(marco.texts("giulia"), said);
}

#[test]
fn a_server_that_went_back_is_told_of_by_whatever_command_hears_of_it() {
    let mut world = World::new();
    let (giulia, marco) = (world.register("giulia"), world.register("marco"));
    giulia.ok(&["send", "marco", "hello"]);
    marco.ok(&["sync"]);
    world.server.stop();
    let (database, older) = (world.server.data().join("diario.sqlite"), world.server.data().join("older"));
    std::fs::copy(&database, &older).unwrap();
    world.server.run();
    giulia.ok(&["send", "marco", "lost"]);
    marco.ok(&["sync"]);
    world.server.stop();
    std::fs::rename(&older, &database).unwrap();
    world.server.run();
    for (home, command) in [(&giulia, "doctor"), (&marco, "sync")] {
        let said = home.run(&[command]).stderr;
        assert_eq!(said.matches("was set back to an older copy").count(), 1, "{command}: {said}");
    }
}
