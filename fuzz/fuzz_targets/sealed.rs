//! A member that lies inside its seals.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    diario_engine::fuzz::sealed(bytes);
});
