//! Pictures that are held before the camera.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    diario_web_worker::fuzz::picture(bytes);
});
