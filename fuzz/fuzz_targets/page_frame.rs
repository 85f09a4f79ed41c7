//! What pages and the worker of the web app say to each other.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    diario_web_api::fuzz::page_frame(bytes);
});
