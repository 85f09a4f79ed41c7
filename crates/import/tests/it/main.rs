//! Whole exports through the public interface.

// Clippy allows it in tests, but does not take the helpers here for tests.
#![allow(clippy::unwrap_used)]

mod fixtures;
mod properties;
mod refusals;
mod zips;

use std::io::Cursor;

use diario_import::whatsapp::{self, Chat, ImportError, Options};

fn import(bytes: &[u8], file_name: &str, options: &Options) -> Result<Chat, ImportError> {
    whatsapp::open(Cursor::new(bytes), file_name, options, &mut |_| {})
}

fn import_text(text: &str) -> Result<Chat, ImportError> {
    import(text.as_bytes(), "_chat.txt", &Options::default())
}

fn ids(chat: &Chat) -> Vec<whatsapp::ImportId> {
    chat.messages.iter().map(|message| message.id).collect()
}
