//! Exports in zip files, honest and not.

use std::io::{Cursor, Write as _};

use diario_import::whatsapp::{ImportError, Options};
use proptest::prelude::*;
use zip::write::SimpleFileOptions;

use crate::import;

const CHAT: &[u8] = include_bytes!("../fixtures/ios_it.txt");

fn zip_of(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(vec![]));
    for (name, content) in entries {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn title_of(entries: &[(&str, &[u8])], file_name: &str) -> Option<String> {
    let chat = import(&zip_of(entries), file_name, &Options::default()).unwrap();
    assert_eq!(chat.messages.len(), 11);
    chat.title
}

#[test]
fn the_chat_is_found_among_what_was_sent() {
    let junk: &[u8] = b"not a chat";
    let ios = [("00000001-notes.txt", junk), ("_chat.txt", CHAT), ("00000002-PHOTO.jpg", junk)];
    assert_eq!(title_of(&ios, "WhatsApp Chat - Luca.zip").as_deref(), Some("Luca"));
    assert_eq!(title_of(&ios, "luca.zip"), None);
    let android = [("a.txt", junk), ("WhatsApp Chat with Jürgen.txt", CHAT), ("b.txt", junk)];
    assert_eq!(title_of(&android, "export.zip").as_deref(), Some("Jürgen"));
    let packed_again = [("__MACOSX/._chat.txt", junk), ("folder/_chat.txt", CHAT)];
    assert_eq!(title_of(&packed_again, "x.zip"), None);
    assert_eq!(title_of(&[("renamed.TXT", CHAT)], "x.zip"), None);
}

#[test]
fn the_content_tells_a_zip_not_the_name() {
    let zip = zip_of(&[("_chat.txt", CHAT)]);
    let zipped = import(&zip, "Chat WhatsApp con Luca.txt", &Options::default()).unwrap();
    let plain = import(CHAT, "Chat WhatsApp con Luca.zip", &Options::default()).unwrap();
    assert_eq!(zipped, plain);
}

#[test]
fn a_zip_without_one_chat() {
    let refuse =
        |entries: &[(&str, &[u8])]| import(&zip_of(entries), "x.zip", &Options::default()).unwrap_err();
    assert!(matches!(refuse(&[]), ImportError::NoChatInZip));
    assert!(matches!(refuse(&[("photo.jpg", CHAT)]), ImportError::NoChatInZip));
    assert!(matches!(refuse(&[("a.txt", CHAT), ("b.txt", CHAT)]), ImportError::NoChatInZip));
    let two: [(&str, &[u8]); 2] = [("Chat WhatsApp con A.txt", CHAT), ("Chat WhatsApp con B.txt", CHAT)];
    assert!(matches!(refuse(&two), ImportError::SeveralChatsInZip { count: 2 }));
}

#[test]
fn a_bomb_is_cut_off_at_the_limit() {
    let blank = vec![b'\n'; 32 * 1024 * 1024];
    let zip = zip_of(&[("_chat.txt", &blank)]);
    assert!(zip.len() < 256 * 1024);
    let options = Options { max_text_bytes: 1024 * 1024, ..Options::default() };
    let error = import(&zip, "x.zip", &options).unwrap_err();
    assert!(matches!(error, ImportError::TooLarge { limit: 1_048_576 }), "{error}");
}

#[test]
fn a_damaged_zip() {
    let zip = zip_of(&[("_chat.txt", CHAT)]);
    let error = import(&zip[..zip.len() / 2], "x.zip", &Options::default()).unwrap_err();
    assert!(matches!(error, ImportError::DamagedZip(_)), "{error}");
    let mut flipped = zip;
    flipped[60] ^= 0xff;
    let error = import(&flipped, "x.zip", &Options::default()).unwrap_err();
    assert!(matches!(error, ImportError::DamagedZip(_)), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_damage_panics(at in prop::collection::vec((0.0..1.0f64, any::<u8>()), 1..6), keep in 0.0..1.2f64) {
        let mut zip = zip_of(&[("_chat.txt", CHAT), ("a.txt", b"x")]);
        for (place, byte) in at {
            let index = scaled(zip.len(), place);
            zip[index] = byte;
        }
        zip.truncate(scaled(zip.len(), keep.min(1.0)) + 1);
        let _ = import(&zip, "x.zip", &Options::default());
    }
}

/// The place in something of this length.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
fn scaled(length: usize, place: f64) -> usize {
    ((length as f64 * place) as usize).min(length - 1)
}
