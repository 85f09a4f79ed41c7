//! Sequences of everything that may happen, in any order.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use crate::drive::{play, play_input, registered};
use crate::replay::replay;

proptest! {
    // The same sequences at every run: new ones are for `cargo xtask fuzz`, where a finding stops nobody's change.
    #![proptest_config(ProptestConfig {
        cases: 96,
        max_shrink_iters: 2_000,
        rng_seed: RngSeed::Fixed(1),
        ..ProptestConfig::default()
    })]

    #[test]
    fn nothing_breaks_a_device(tape in vec(any::<u8>(), 0..400)) {
        play(&registered(&tape));
    }

    #[test]
    fn nothing_breaks_an_empty_device(tape in vec(any::<u8>(), 0..200)) {
        play(&tape);
    }
}

#[test]
fn an_honest_server_is_enough() {
    play(&registered(&[]));
}

#[test]
fn what_the_fuzzer_found_is_survived() {
    replay("engine_frames", |input| {
        play_input(input);
        true
    });
}
