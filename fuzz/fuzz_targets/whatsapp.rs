//! WhatsApp's exports, `.txt` and `.zip`: never a panic, and limits are kept.
#![no_main]

use std::io::Cursor;

use diario_import::whatsapp::{Options, open};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let options = Options { max_text_bytes: 1 << 20, max_messages: 10_000, ..Options::default() };
    let mut last = None;
    let chat = open(Cursor::new(bytes), "WhatsApp Chat - Anna.txt", &options, &mut |progress| {
        assert!(progress.bytes_done <= progress.bytes_total);
        last = Some(progress);
    });
    if let Ok(chat) = chat {
        let last = last.expect("progress is told at least once");
        assert_eq!(last.bytes_done, last.bytes_total);
        assert!(chat.messages.len() <= 10_000);
        let again = open(Cursor::new(bytes), "WhatsApp Chat - Anna.txt", &options, &mut |_| {});
        assert_eq!(again.ok().as_ref(), Some(&chat), "the same file is the same chat");
    }
});
