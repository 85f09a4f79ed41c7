//! Texts that people type, scan, paste, or take along from elsewhere.

use std::io::Write as _;

use diario_engine::linking::{LinkCode, PairingCode};

use crate::{Failure, Seeds};

fn of(which: u8, text: impl AsRef<[u8]>) -> Vec<u8> {
    [&[which], text.as_ref()].concat()
}

/// After the byte that says what it is to be.
pub(crate) fn codes() -> Result<Seeds, Failure> {
    let mut count = 0;
    let mut entropy = |out: &mut [u8]| {
        for byte in out {
            count += 1;
            *byte = count;
        }
    };
    let link = LinkCode::generate("wss://diario.example", &mut entropy)?;
    let pairing = PairingCode::generate(&mut entropy);
    let zeros = [vec!["abandon"; 23], vec!["art"]].concat().join(" ");
    // A link code before its checksum.
    let mut cbor = vec![0x84, 0x01, 0x6a];
    cbor.extend_from_slice(b"wss://here");
    cbor.extend([&[0x50][..], &[7; 16], &[0x58, 0x20], &[8; 32]].concat());
    Ok(vec![
        ("link", of(0, link.text().as_bytes())),
        ("pairing", of(1, pairing.text().as_bytes())),
        ("typed", of(1, "oil0-1abc")),
        ("words", of(2, &zeros)),
        (
            "numbered",
            of(2, zeros.split(' ').enumerate().map(|(i, w)| format!("{}. {w}\n", i + 1)).collect::<String>()),
        ),
        ("digits", of(3, "404371059871884648386936680137998438648040671730476174519900")),
        ("body", of(4, cbor)),
    ])
}

/// A query, and the text that it is looked for in.
pub(crate) fn searches() -> Seeds {
    let all = [
        ("words", "perche caff\nPerch\u{e9} NO? Un caff\u{e8}, perche\u{301} s\u{ec}"),
        ("phrase", "\"come stai\" ciao\nCiao! Come stai?"),
        ("together", "\u{4eac}\u{30bf}\n\u{6771}\u{4eac}\u{30bf}\u{30ef}\u{30fc}"),
        ("emoji", "\u{1f44d}\nok \u{1f44d}\u{1f3fd}\u{1f44d}"),
    ];
    all.map(|(name, text)| (name, text.into())).into()
}

/// Lines of key, sender and text.
pub(crate) fn imports() -> Seeds {
    vec![("two", b"\x01\x01ciao\n\x02\x00a notice".into()), ("twice", b"\x01\x01ciao\n\x01\x01ciao".into())]
}

pub(crate) fn whatsapp() -> Result<Seeds, Failure> {
    let android = "12/03/24, 14:05 - Messages and calls are end-to-end encrypted.\n\
        12/03/24, 14:05 - Anna: ciao\nsecond line\n13/03/24, 9:00 - Marco: <Media omitted>\n\
        13/03/24, 9:01 - Marco: IMG-1.jpg (file attached)\n";
    let ios =
        "[12.03.24, 14:05:33] Anna: ciao\n\u{200e}[12.03.24, 14:06:00] Anna: \u{200e}<attached: 1-a.jpg>\n";
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zip.start_file("_chat.txt", zip::write::SimpleFileOptions::default())?;
    zip.write_all(ios.as_bytes())?;
    Ok(vec![
        ("android.txt", android.into()),
        ("ios.txt", ios.into()),
        (
            "twelve_hours.txt",
            "3/12/24, 2:05\u{202f}PM - Anna: hi\n3/13/24, 2:05\u{202f}AM - Bob: hi\n".into(),
        ),
        ("ios.zip", zip.finish()?.into_inner()),
    ])
}

pub(crate) fn exports() -> Seeds {
    let id = "0102030405060708090a0b0c0d0e0f10";
    let said = format!(r#""conversation":"{id}","id":"{id}","sent_at":"2026-11-27T09:00:00.000Z""#);
    let export = [
        r#"{"type":"diario_export","version":1,"account":"anna"}"#.to_owned(),
        format!(r#"{{"type":"conversation","conversation":"{id}","title":"Trip"}}"#),
        format!(r#"{{"type":"message",{said},"sender":"bo","text":"ciao\n\"tu\""}}"#),
        format!(r#"{{"type":"membership",{said},"joined":["eva"],"left":["ugo"]}}"#),
        r#"{"type":"reaction"}"#.to_owned(),
        r#"{"type":"end","entries":2}"#.to_owned(),
    ];
    let empty = "{\"type\":\"diario_export\",\"version\":1}\n{\"type\":\"end\",\"entries\":0}\n";
    vec![("trip.jsonl", export.map(|line| line + "\n").concat().into()), ("empty.jsonl", empty.into())]
}

/// After the byte that says what it is to be.
pub(crate) fn of_the_server() -> Seeds {
    vec![
        ("push", of(0, "https://push.example:8443/send/abc?x=1")),
        ("push_v6", of(0, "https://[2a00::1]/x")),
        ("push_local", of(0, "http://localhost:8080/x")),
        ("page", of(1, "host: a.example:443\norigin: https://a.example")),
        ("program", of(1, "host: a.example")),
        ("name", of(2, "assets/page-1a2b.js")),
        ("brotli", of(3, "br;q=0.5")),
        ("settings", of(4, "readers = 3\nretention = \"30d\"\nlisten = \"[::1]:80\"\nmax_devices = 2")),
    ]
}

pub(crate) fn addresses() -> Seeds {
    let all = [
        ("https", "https://chat.example.org/"),
        ("local", " http://localhost:8080"),
        ("v6", "wss://[::1]:1"),
    ];
    all.map(|(name, text)| (name, text.into())).into()
}

pub(crate) fn dates() -> Seeds {
    let all = [
        ("year", "2024"),
        ("month", "2024-02"),
        ("day", "2024-02-29"),
        ("time", "2024-05-31T10:00:00+02:00"),
    ];
    all.map(|(name, text)| (name, text.into())).into()
}
