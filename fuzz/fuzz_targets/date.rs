//! Dates as people type them on the command line.
#![no_main]

#[path = "../../crates/cli/src/day.rs"]
mod day;
#[path = "../../crates/cli/src/fuzz.rs"]
mod fuzz;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    fuzz::date(bytes);
});
