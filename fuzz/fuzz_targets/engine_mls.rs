//! MLS objects that a device is given: welcomes, groups to enter, commits, key packages.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    diario_engine::fuzz::mls(bytes);
});
