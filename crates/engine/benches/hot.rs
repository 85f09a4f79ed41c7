//! `cargo bench -p diario-engine --features bench --bench hot`: how long the engine's hot paths take.

#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

mod cases;

use std::cell::RefCell;

fn main() {
    divan::main();
}

/// One run a sample: some cases have to be made ready before each.
#[divan::bench(args = cases::NAMES, sample_size = 1)]
fn case(bencher: divan::Bencher<'_, '_>, name: &str) {
    let case = RefCell::new(cases::prepare(name).unwrap());
    bencher.with_inputs(|| case.borrow_mut().ready()).bench_local_values(|()| case.borrow_mut().run());
}
