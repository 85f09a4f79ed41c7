//! A device under a server, a user and a clock that do what the input says: the tapes of the engine's own tests.
#![no_main]
#![allow(clippy::unwrap_used)]

#[allow(dead_code, reason = "shared with the tests, which use more of it")]
#[path = "../../crates/engine/tests/it/drive/mod.rs"]
mod drive;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    drive::play_input(bytes);
});
