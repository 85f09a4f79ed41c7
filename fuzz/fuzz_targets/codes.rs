//! Link codes, pairing codes, recovery words, safety numbers.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    diario_engine::fuzz::codes(bytes);
});
