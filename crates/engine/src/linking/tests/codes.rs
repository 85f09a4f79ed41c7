//! Codes as people type them.

use std::fmt::Write as _;

use proptest::prelude::*;
use sha2::{Digest as _, Sha256};

use super::super::*;
use super::{SERVER, entropy, link_code, pairing_code};

#[test]
fn link_codes_as_text() {
    let code = link_code(1);
    let text = code.text();
    assert!(text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b':'));
    assert!(text.len() < 160, "{} characters make a dense QR code", text.len());

    let mut spaced = String::from(" ");
    for (i, c) in text.to_ascii_lowercase().chars().enumerate() {
        write!(spaced, "{c}{}", if i % 5 == 0 { " \n" } else { "" }).unwrap();
    }
    let parsed: LinkCode = spaced.parse().unwrap();
    assert_eq!((parsed.server(), parsed.mailbox(), parsed.text()), (SERVER, code.mailbox(), code.text()));
    assert_eq!(format!("{parsed:?}"), format!("LinkCode {{ server: {SERVER:?}, .. }}"));

    for i in "DIARIO:".len()..text.len() {
        let mut typo = text.as_bytes().to_vec();
        typo[i] = if typo[i] == b'A' { b'B' } else { b'A' };
        let typo = String::from_utf8(typo).unwrap();
        assert_eq!(typo.parse::<LinkCode>().unwrap_err(), LinkCodeError::Mistyped);
        assert_eq!(text[..i].parse::<LinkCode>().unwrap_err(), LinkCodeError::Mistyped);
    }
    for other in ["", "https://example.org", "DIARI", &"DIARIO:".repeat(200)] {
        assert_eq!(other.parse::<LinkCode>().unwrap_err(), LinkCodeError::NotALinkCode);
    }
    for server in ["", "a b", "a\u{202e}b", &"a".repeat(256)] {
        assert_eq!(LinkCode::generate(server, &mut entropy(1)).unwrap_err(), LinkCodeError::BadServer);
    }
}

#[test]
fn link_codes_of_others() {
    let encode = |cbor: &[u8]| {
        let checked = [cbor, &Sha256::digest(cbor)[..4]].concat();
        format!("DIARIO:{}", data_encoding::BASE32_NOPAD.encode(&checked))
    };
    for (cbor, error) in [
        (&[0x82, 2, 0x80][..], LinkCodeError::UnknownVersion(2)),
        (&[0x84, 1, 0x61, b'x'], LinkCodeError::Malformed),
        (&[0x80], LinkCodeError::Malformed),
        (&[], LinkCodeError::Malformed),
    ] {
        assert_eq!(encode(cbor).parse::<LinkCode>().unwrap_err(), error);
    }
}

#[test]
fn pairing_codes_as_typed() {
    let code: PairingCode = "01AB-CD10".parse().unwrap();
    for typed in ["01ab-cd10", "o1AB CDlO", " OiabcdI0 ", "0-L-A-B-C-D-1-0"] {
        assert_eq!(typed.parse::<PairingCode>().unwrap().text(), code.text(), "{typed}");
    }
    assert_eq!(*code.text(), "01AB-CD10");
    for (typed, error) in [
        ("", PairingCodeError::WrongLength),
        ("01AB-CD1", PairingCodeError::WrongLength),
        ("01AB-CD100", PairingCodeError::WrongLength),
        ("01AB-CDU0", PairingCodeError::BadCharacter('U')),
        ("01AB-CDé0", PairingCodeError::BadCharacter('é')),
    ] {
        assert_eq!(typed.parse::<PairingCode>(), Err(error));
    }
    // The password has no part in the mailbox's name.
    assert_eq!(code.mailbox(), "01A-ZZZZZ".parse::<PairingCode>().unwrap().mailbox());
    assert_ne!(code.mailbox(), "01Z-ZZZZZ".parse::<PairingCode>().unwrap().mailbox());
    assert_eq!(format!("{code:?}"), "PairingCode(..)");
}

proptest! {
    #[test]
    fn codes_never_panic(text in ".{0,60}") {
        let _ = text.parse::<PairingCode>();
        let _ = text.parse::<LinkCode>();
        let _ = format!("diario:{text}").parse::<LinkCode>();
    }

    #[test]
    fn generated_codes_parse(seed: u64) {
        prop_assert_eq!(pairing_code(seed).text().parse::<PairingCode>(), Ok(pairing_code(seed)));
        let code = link_code(seed);
        prop_assert_eq!(code.text().parse::<LinkCode>().unwrap().text(), code.text());
    }
}
