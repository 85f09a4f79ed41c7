//! A device's frame, as the server reads it.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    diario_protocol::fuzz::client_frame(bytes);
});
