//! What push services answer, byte by byte.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    diario_server::fuzz::push_answer(bytes);
});
