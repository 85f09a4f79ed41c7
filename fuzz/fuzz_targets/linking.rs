//! Messages in a linking's mailbox.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    diario_engine::fuzz::linking(bytes);
});
