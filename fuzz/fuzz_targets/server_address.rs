//! Servers' addresses as people type them.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    diario_client::fuzz::server_address(bytes);
});
