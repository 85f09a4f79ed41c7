//! Seals, and what stands in them.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    diario_engine::fuzz::seals(bytes);
});
