//! Runs in virtual time: a fixed set of seeds, each the same every time.

use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use diario_sim::run::{FIXED, Outcome, run, run_steered};
use diario_sim::viewer;

use crate::replay::replay;

fn run_all(seeds: &[u64]) -> Vec<Outcome> {
    let (next, outcomes) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(seed) = seeds.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let outcome = run(*seed, None);
                    outcomes.lock().unwrap().push(outcome);
                }
            });
        }
    });
    outcomes.into_inner().unwrap()
}

#[test]
fn the_fixed_seeds_hold_and_come_through_the_rare_paths() {
    let outcomes = run_all(FIXED);
    let mut marks = diario_sim::run::marks::Marks::default();
    for outcome in &outcomes {
        if let Some(violation) = &outcome.violation {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/sim");
            let seed = outcome.seed;
            let kept = viewer::write_down(&folder, &format!("seed-{seed}"), outcome).unwrap();
            panic!("seed {seed}: {violation}\n  again:   cargo xtask sim --replay {seed}\n{kept}");
        }
        marks.add(&outcome.marks);
    }
    assert_eq!(marks.missing(), Vec::<&str>::new(), "paths that no seed comes through");
}

#[test]
fn a_seed_is_the_same_run_every_time_and_another_seed_is_another() {
    let (first, again, other) = (run(5, Some(25)), run(5, Some(25)), run(6, Some(25)));
    assert_eq!(first.journal.text(), again.journal.text());
    assert_eq!(first.journal.digest(), again.journal.digest());
    assert_ne!(first.journal.digest(), other.journal.digest());
}

#[test]
fn steered_runs_hold() {
    replay("simulation", |input| {
        let outcome = run_steered(input);
        assert_eq!(outcome.violation, None, "{}", outcome.journal.text());
        outcome.said > 0
    });
}
