//! Dates as people type them on the command line.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    diario::fuzz::date(bytes);
});
