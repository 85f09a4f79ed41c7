//! Push endpoints, headers, paths and settings, as the server reads them.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    diario_server::fuzz::texts(bytes);
});
