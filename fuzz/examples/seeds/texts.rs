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
    let numbered: Vec<_> = zeros.split(' ').enumerate().map(|(i, w)| format!("{}. {w}", i + 1)).collect();
    // A link code before its checksum.
    let mut cbor = vec![0x84, 0x01, 0x6a];
    cbor.extend_from_slice(b"wss://here");
    cbor.extend([&[0x50][..], &[7; 16], &[0x58, 0x20], &[8; 32]].concat());
    Ok(vec![
        ("link", of(0, link.text().as_bytes())),
        ("pairing", of(1, pairing.text().as_bytes())),
        ("typed", of(1, "oil0-1abc")),
        ("words", of(2, &zeros)),
        ("numbered", of(2, numbered.join("\n") + "\n")),
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
        ("file", of(5, SETTINGS)),
        ("settings", of(4, "readers = 3\nretention = \"30d\"\nlisten = \"[::1]:80\"\nmax_devices = 2")),
    ]
}

/// Every way of writing values that a settings file has.
const SETTINGS: &str = r#"# A server of one family.
listen = "[::1]:8080"
"data_dir" = 'C:\diario' # literal
registration = """\
    invite"""
allowed_origins = [
    "https://a.example", # one
    "https://\u0062.example",
]
retention = "30d,delivered"
max_devices = 0x10
entries_per_second = 1_000
trust_forwarded_for = true
"#;

/// After the number of bytes that come at a time.
pub(crate) fn push_answers() -> Seeds {
    vec![
        ("created", of(0, "HTTP/1.1 201 Created\r\nlocation: /m/1\r\ncontent-length: 0\r\n\r\n")),
        ("gone", of(1, "HTTP/1.1 410 Gone\r\ncontent-type: text/plain\r\n\r\nno such subscription")),
        ("busy", of(7, "HTTP/1.1 429 x\r\nretry-after: 120\r\ncontent-length: 3\r\n\r\nlat")),
        ("endless", of(0, "HTTP/1.1 503 x\r\nRetry-After: 18446744073709551615\r\n\r\n")),
        ("date", of(0, "HTTP/1.0 408 \r\nretry-after: Fri, 27 Nov 2026 09:00:00 GMT\r\n\r\n")),
        ("hinted", of(3, "HTTP/1.1 103 x\r\nlink: </x>\r\n\r\nHTTP/1.1 201 x\r\n\r\n")),
        ("chunked", of(5, "HTTP/1.1 500 x\r\ntransfer-encoding: chunked\r\n\r\n4\r\noops\r\n0\r\n\r\n")),
        ("moved", of(0, "HTTP/1.1 307 x\r\nlocation: http://localhost/\r\nset-cookie: a=b\r\n\r\n")),
    ]
}

/// After the byte that says who speaks, and when.
pub(crate) fn socket_lines() -> Seeds {
    let face = r#""face":{"json":false,"timeout":{"secs":10,"nanos":0},"asks":true,"terminal":true,"#;
    let rest = r#""progress":true,"color":true,"color_errors":true,"width":80,"zone":"Europe/Rome"}"#;
    let request =
        |command: &str| of(0, format!(r#"{{"version":"VERSION",{face}{rest},"command":{command}}}"#));
    let send = r#"{"Send":{"to":"anna","text":["ciao\n\ud83d\udc4b"],"queue":false,"accept_new_key":false}}"#;
    let export = r#"{"Export":{"file":"/tmp/x.jsonl","conversation":null,"force":true}}"#;
    let fetch = r#"{"Fetch":{"status":false,"auto":"Always","pause":false,"resume":false}}"#;
    vec![
        ("whoami", request(r#""Whoami""#)),
        ("send", request(send)),
        ("sync", request(r#"{"Sync":{"follow":false,"stay":{"secs":18446744073709551615,"nanos":7}}}"#)),
        ("group", request(r#"{"Group":{"change":{"Add":{"group":"friends","members":["bo"]}}}}"#)),
        ("keep", request(r#"{"Retention":{"conversation":"self","keep":"30d,delivered"}}"#)),
        ("export", request(export)),
        ("fetch", request(fetch)),
        ("out", of(1, r#"{"out":"\u001b[36mciao\u001b[0m\n"}"#)),
        ("progress", of(1, r#"{"progress":{"what":"chats","done":3,"total":0}}"#)),
        ("exit", of(1, r#"{"exit":3}"#)),
        ("again", of(1, r#""again""#)),
        ("answer", of(2, r#""yes""#)),
        ("nobody", of(2, "null")),
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
