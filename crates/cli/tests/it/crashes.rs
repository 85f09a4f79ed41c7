//! The server is killed under load, again and again: what it acknowledged is there, once, in one order.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::harness::{Home, World, until};

const KILLS: u64 = 20;

#[test]
fn twenty_kills_of_the_server_lose_and_double_nothing() {
    let mut world = World::new();
    let giulia = world.register("giulia");
    let giulia_pc = world.link(&giulia, "giulia-pc");
    let marco = world.register("marco");
    let marco_pc = world.link(&marco, "marco-pc");
    giulia.ok(&["send", "marco", "hello"]);
    marco.ok(&["sync"]);
    let homes = [&giulia, &giulia_pc, &marco, &marco_pc];
    let to = ["marco", "marco", "giulia", "giulia"];
    let followers: Vec<_> = homes.iter().map(|home| home.follow()).collect();

    let over = AtomicBool::new(false);
    let acked = Mutex::new(BTreeSet::new());
    let queued = Mutex::new(BTreeSet::new());
    std::thread::scope(|scope| {
        for (who, (home, to)) in homes.iter().zip(to).enumerate() {
            let (over, acked, queued) = (&over, &acked, &queued);
            scope.spawn(move || {
                for n in 0.. {
                    if over.load(Ordering::Relaxed) {
                        return;
                    }
                    let text = format!("{who}: {n}");
                    let run = home.run(&["send", to, &text, "--timeout", "2"]);
                    match run.code {
                        0 => acked.lock().unwrap().insert(text),
                        3 => queued.lock().unwrap().insert(text),
                        _ => panic!("{text}: {}{}", run.stdout, run.stderr),
                    };
                }
            });
        }
        // Moments that nobody chose: spread by a multiplicative hash, the same at every run.
        for kill in 1..=KILLS {
            std::thread::sleep(Duration::from_millis(150 + kill.wrapping_mul(2_654_435_761) % 500));
            // However slow the machine: something was acknowledged since the last kill.
            let before = usize::try_from(2 * kill).unwrap();
            until("there is load", || acked.lock().unwrap().len() >= before);
            world.server.kill();
            world.server.run();
        }
        over.store(true, Ordering::Relaxed);
    });
    let acked = acked.into_inner().unwrap();
    let queued = queued.into_inner().unwrap();
    // With the server up for good, everything that waits goes out.
    let said = 1 + acked.len() + queued.len();
    let all = |home: &Home, to: &str| home.texts(to).len() >= said;
    until("everything is everywhere", || homes.iter().zip(to).all(|(home, to)| all(home, to)));
    drop(followers);

    let expected = giulia.texts("marco");
    let distinct: BTreeSet<_> = expected.iter().cloned().collect();
    assert_eq!(distinct.len(), expected.len(), "nothing twice");
    assert_eq!(expected.len(), said, "nothing more than was said");
    assert!(acked.is_subset(&distinct), "what was acknowledged is there");
    for (home, to) in homes.iter().zip(to) {
        assert_eq!(home.texts(to), expected, "the same order on every device");
        let states = home.ok(&["history", to, "--limit", "1000000"]);
        assert!(
            states
                .iter()
                .all(|m| m["state"] != "refused" && m["state"] != "waiting" && m["state"] != "pending")
        );
    }
}
