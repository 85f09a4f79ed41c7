//! Races of two operations.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use diario_sim::run::{Pair, run_pair};

/// One in so many pairs runs here; `cargo xtask sim --pairs` runs all.
const ONE_IN: usize = 73;

#[test]
fn two_operations_at_once_do_no_harm() {
    let every = std::env::var("DIARIO_EVERY").ok().and_then(|n| n.parse().ok()).unwrap_or(ONE_IN);
    let pairs: Vec<(u64, Pair)> = (1..).zip(Pair::all()).step_by(every).collect();
    let (next, failed) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some((seed, pair)) = pairs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Some(violation) = run_pair(*seed, *pair).violation {
                        failed.lock().unwrap().push((*pair, violation));
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "{} of {} pairs: {failed:#?}", failed.len(), pairs.len());
}
