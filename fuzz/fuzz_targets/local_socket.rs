//! What two processes of one device say to each other.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    diario::fuzz::local_socket(bytes);
});
