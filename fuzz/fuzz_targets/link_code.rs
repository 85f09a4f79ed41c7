//! The codes that people scan and type: never a panic, and a code that is read is written the same.
#![no_main]

use diario_engine::linking::{LinkCode, PairingCode};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(code) = text.parse::<LinkCode>() {
        let again: LinkCode = code.text().parse().expect("a code's own text");
        assert_eq!(again.text(), code.text());
        assert_eq!((again.server(), again.mailbox()), (code.server(), code.mailbox()));
    }
    if let Ok(code) = text.parse::<PairingCode>() {
        let again: PairingCode = code.text().parse().expect("a code's own text");
        assert_eq!(again, code);
        assert_eq!(again.mailbox(), code.mailbox());
    }
});
