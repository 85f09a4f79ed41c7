//! Exports of stores that are made by hand.

use diario_protocol::{AccountId, DeviceId, Digest, EntryId, Epoch, LogHash};
use rusqlite::Connection;

use super::*;
use crate::EngineConfig;
use crate::store::conversation::Conversation;
use crate::store::hole::{self, Hole};
use crate::store::message::{NewMessage, put, state};

const NOW: Timestamp = Timestamp(1_700_000_000_000);
const CHAT: ConversationId = ConversationId::new([1; 16]);

/// A conversation in which these places of the log are here.
fn engine(seqs: impl Iterator<Item = u64>) -> Engine {
    let mut engine = Engine::open(Connection::open_in_memory().unwrap(), EngineConfig::default()).unwrap();
    engine.register("ws://here", "anna", "laptop", None, NOW).unwrap();
    let mut chat = Conversation::new(CHAT, ConversationKind::Group, NOW);
    chat.since = Seq(1);
    chat.title = "a <b> \"c\"\n\u{202e}".into();
    chat.save(engine.db()).unwrap();
    for seq in seqs {
        let mut id = [0; 16];
        id[..8].copy_from_slice(&seq.to_be_bytes());
        let message = NewMessage {
            conversation: CHAT,
            seq: Some(Seq(seq)),
            id: EntryId::new(id),
            account: AccountId::new([2; 16]),
            device: DeviceId::new([3; 16]),
            epoch: Epoch(0),
            annotates: None,
            sent_at: NOW.plus_ms(seq),
            state: state::READABLE,
            reason: None,
            text: &format!("<i>&'\"\u{1b} {seq}"),
            content: None,
            sealed: None,
            hash: None,
        };
        put(engine.db(), &message).unwrap();
    }
    engine
}

fn whole(engine: &Engine, format: ExportFormat) -> (String, ExportProgress) {
    let mut export = Export::begin(engine, Some(CHAT), format, "notes", NOW).unwrap();
    let local = |at: Timestamp| LocalTime { day: "<today>".into(), clock: at.0.to_string() };
    let mut text = String::new();
    while let Some(piece) = export.piece(engine, &local).unwrap() {
        text.push_str(&piece);
    }
    (text, export.progress())
}

#[test]
fn what_is_missing_in_the_middle_is_said_and_passed_over() {
    let engine = engine((1..=900).chain(2_000..=2_900));
    let missing = Hole {
        conversation: CHAT,
        first: Seq(901),
        last: Seq(1_999),
        hash: LogHash(Digest::new([0; 32])),
        at: NOW,
    };
    hole::put(engine.db(), &missing).unwrap();
    let (text, progress) = whole(&engine, ExportFormat::Jsonl);
    assert!(text.contains("\"missing\":[[901,1999]]"));
    assert_eq!(text.matches("\"type\":\"message\"").count(), 1_801);
    assert!(text.ends_with("{\"type\":\"end\",\"conversations\":1,\"entries\":1801}\n"));
    assert_eq!((progress.done, progress.total, progress.incomplete), (1_801, 1_801, 1));
    let (text, _) = whole(&engine, ExportFormat::Html(Box::default()));
    assert!(text.contains("Older parts of this conversation were not on the device"));
}

#[test]
fn everything_that_waits_to_be_sent_is_in_the_file() {
    let engine = engine(1..=3);
    let db = engine.db();
    db.execute("UPDATE message SET seq = NULL, state = 0 WHERE seq > 1", []).unwrap();
    for n in 0..997u32 {
        let copy = "INSERT INTO message(conversation, id, account, device, epoch, sent_at, state, text)
            SELECT conversation, ?1, account, device, epoch, sent_at, state, text FROM message WHERE row = 2";
        db.execute(copy, [[&[9; 12], &n.to_be_bytes()[..]].concat()]).unwrap();
    }
    for format in [ExportFormat::Jsonl, ExportFormat::Html(Box::default())] {
        let (_, progress) = whole(&engine, format);
        assert_eq!((progress.done, progress.total), (1_000, 1_000));
    }
}

#[test]
fn nothing_in_a_file_is_obeyed_by_who_shows_it() {
    let engine = engine(1..=1);
    let (text, _) = whole(&engine, ExportFormat::Jsonl);
    assert!(text.contains(r#""title":"a <b> \"c\"\n\u202e""#), "{text}");
    assert!(text.contains(r#""text":"<i>&'\"\u001b 1""#), "{text}");
    let (text, _) = whole(&engine, ExportFormat::Html(Box::default()));
    assert!(text.contains("<h3>&lt;today&gt;</h3>"), "{text}");
    assert!(text.contains("&lt;i&gt;&amp;&#39;&quot;\u{fffd} 1"), "{text}");
    assert!(text.contains("a &lt;b&gt; &quot;c&quot;\n\u{fffd}</h1>"), "{text}");
}
