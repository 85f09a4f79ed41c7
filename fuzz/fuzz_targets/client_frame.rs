//! A device's frame, as the server reads it: never a panic, and what is read means one thing.
#![no_main]

use diario_protocol::limits::Limits;
use diario_protocol::{ClientFrame, decode, encode};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let limit = Limits::default().frame as usize;
    if let Ok(frame) = decode::<ClientFrame>(bytes, limit) {
        let again = encode(&frame);
        assert!(again.len() <= bytes.len(), "nothing read is made up");
        assert_eq!(decode::<ClientFrame>(&again, limit).as_ref(), Ok(&frame));
        assert_eq!(encode(&frame), again);
    }
});
