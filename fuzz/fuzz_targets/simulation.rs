//! The simulation, steered: many devices and the real server, and an input that chooses what they do and what breaks.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let outcome = diario_sim::run::run_steered(bytes);
    assert_eq!(outcome.violation, None, "{}", outcome.journal.text());
});
