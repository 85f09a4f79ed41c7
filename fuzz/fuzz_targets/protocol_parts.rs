//! What stands inside frames and groups; names, ids, times.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    diario_protocol::fuzz::parts(bytes);
});
