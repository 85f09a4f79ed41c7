//! Signed device lists.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    diario_protocol::fuzz::device_list(bytes);
});
