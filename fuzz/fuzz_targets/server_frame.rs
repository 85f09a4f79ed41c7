//! The server's frame, as a device reads it: never a panic, and what is read means one thing.
#![no_main]

use diario_protocol::limits::SERVER_FRAME;
use diario_protocol::{ServerFrame, decode, encode};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(frame) = decode::<ServerFrame>(bytes, SERVER_FRAME) {
        let again = encode(&frame);
        assert!(again.len() <= bytes.len(), "nothing read is made up");
        assert_eq!(decode::<ServerFrame>(&again, SERVER_FRAME).as_ref(), Ok(&frame));
        assert_eq!(encode(&frame), again);
    }
});
