//! Contents of messages, and their padding.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    diario_engine::fuzz::mimi_content(bytes);
});
