//! Imports into an engine, each twice.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    diario_engine::fuzz::imports(bytes);
});
