//! Diario's own exports.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    diario_import::fuzz::diario_export(bytes);
});
