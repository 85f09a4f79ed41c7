//! A message's content: it has exactly one encoding, and everything about it can be asked.
#![no_main]

use diario_engine::content::{MimiContent, pad, unpad};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(content) = MimiContent::decode(bytes) {
        assert_eq!(content.encode().as_deref(), Ok(bytes));
        let _ = format!("{:?}", content.view());
        let _ = content.check_origin("mimi://a", "mimi://b");
    }
    let _ = unpad(bytes);
    assert_eq!(unpad(&pad(bytes.to_vec())), Ok(bytes));
});
