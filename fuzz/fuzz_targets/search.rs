//! Queries, and texts that are searched.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    diario_engine::fuzz::search(bytes);
});
