//! The server's frame, as a device reads it.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    diario_protocol::fuzz::server_frame(bytes);
});
