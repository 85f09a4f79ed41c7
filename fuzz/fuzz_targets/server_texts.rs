//! Push endpoints, headers, paths, settings and their file, as the server reads them.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    diario_server::fuzz::texts(bytes);
});
