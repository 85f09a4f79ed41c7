//! MLS objects that devices give the server.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    diario_server::fuzz::mls(bytes);
});
