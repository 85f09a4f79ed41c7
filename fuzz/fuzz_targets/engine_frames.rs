//! A device under a server, a user and a clock that do what the input says.
//!
//! The input is the tape of the property tests in `crates/engine/tests/it/sequences.rs`; an input that breaks the
//! engine is a test case there, too.
#![no_main]
#![allow(clippy::unwrap_used)]

use arbitrary::{Arbitrary, Unstructured};
use libfuzzer_sys::fuzz_target;

#[allow(dead_code, reason = "shared with the tests, which use more of it")]
#[path = "../../crates/engine/tests/it/drive/mod.rs"]
mod drive;

/// Whether the device begins with an account, and what happens then.
#[derive(Debug)]
struct Play<'a> {
    registered: bool,
    tape: &'a [u8],
}

impl<'a> Arbitrary<'a> for Play<'a> {
    fn arbitrary(u: &mut Unstructured<'a>) -> arbitrary::Result<Self> {
        let registered = u.ratio(7_u8, 8)?;
        let len = u.len().min(600);
        Ok(Self { registered, tape: u.bytes(len)? })
    }
}

fuzz_target!(|play: Play<'_>| {
    if play.registered {
        drive::play(&drive::registered(play.tape));
    } else {
        drive::play(play.tape);
    }
});
