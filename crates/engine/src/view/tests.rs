//! Views over stores that are made by hand: no server is needed to page.

use std::time::Instant;

use diario_protocol::roster::{Participant, Role};
use diario_protocol::{
    AccountId, ConversationId, ConversationKind, DeviceId, EntryId, Epoch, Seq, Timestamp,
};
use rusqlite::Connection;

use super::*;
use crate::EngineConfig;
use crate::engine::Draft;
use crate::store::conversation::Conversation;
use crate::store::message::{NewMessage, put, state};
use crate::store::{conversation, to_sql};

const NOW: Timestamp = Timestamp(1_700_000_000_000);
const CHAT: ConversationId = ConversationId::new([1; 16]);
const BO: AccountId = AccountId::new([2; 16]);

fn anna() -> Engine {
    let mut engine = Engine::open(Connection::open_in_memory().unwrap(), EngineConfig::default()).unwrap();
    engine.register("ws://here", "anna", "laptop", None, NOW).unwrap();
    engine
}

/// A direct conversation with Bo in which `seqs` of the log are there, in the state that `of` says.
fn chat(engine: &Engine, id: ConversationId, seqs: u64, of: impl Fn(u64) -> u8) {
    let me = engine.whoami().unwrap().1;
    let mut made = Conversation::new(id, ConversationKind::Direct, NOW);
    made.since = Seq(1);
    made.log_next = Seq(seqs + 1);
    made.save(engine.db()).unwrap();
    let both = [me, BO].map(|account| Participant { account, role: Role::Admin });
    conversation::set_participants(engine.db(), id, &both).unwrap();
    for seq in 1..=seqs {
        let state = of(seq);
        put(engine.db(), &message(id, seq, if seq % 5 == 0 { me } else { BO }, state)).unwrap();
    }
}

fn message(id: ConversationId, seq: u64, account: AccountId, state: u8) -> NewMessage<'static> {
    let mut entry = [0; 16];
    entry[..8].copy_from_slice(&seq.to_be_bytes());
    NewMessage {
        conversation: id,
        seq: Some(Seq(seq)),
        id: EntryId::new(entry),
        account,
        device: DeviceId::new([3; 16]),
        epoch: Epoch(0),
        annotates: None,
        sent_at: NOW.plus_ms(seq),
        state,
        reason: None,
        text: "ciao",
        content: None,
        sealed: None,
        hash: None,
    }
}

fn seqs(page: &Page) -> Vec<u64> {
    page.messages.iter().map(|m| m.seq.map_or(0, |seq| seq.0)).collect()
}

fn page(engine: &Engine, anchor: Anchor, limit: u32) -> (Vec<u64>, bool, bool) {
    let page = engine.history(CHAT, anchor, limit).unwrap();
    (seqs(&page), page.more_before, page.more_after)
}

#[test]
fn pages_follow_each_other_both_ways() {
    let mut engine = anna();
    // Every third is a change of keys alone.
    chat(&engine, CHAT, 12, |seq| if seq % 3 == 0 { state::COMMIT } else { state::READABLE });
    assert_eq!(page(&engine, Anchor::Newest, 3), (vec![8, 10, 11], true, false));
    assert_eq!(page(&engine, Anchor::Before(Seq(8)), 3), (vec![4, 5, 7], true, true));
    assert_eq!(page(&engine, Anchor::Before(Seq(4)), 3), (vec![1, 2], false, true));
    assert_eq!(page(&engine, Anchor::After(Seq(0)), 3), (vec![1, 2, 4], false, true));
    assert_eq!(page(&engine, Anchor::After(Seq(4)), 5), (vec![5, 7, 8, 10, 11], true, false));
    assert_eq!(page(&engine, Anchor::After(Seq(11)), 5), (vec![], true, false));
    // Those that wait come after the log, whole.
    for text in ["one", "two"] {
        engine.send(CHAT, &Draft::Text(text.into()), NOW).unwrap();
    }
    assert_eq!(page(&engine, Anchor::Newest, 4), (vec![10, 11, 0, 0], true, false));
    assert_eq!(page(&engine, Anchor::Newest, 2), (vec![11, 0], true, false));
    assert_eq!(page(&engine, Anchor::After(Seq(8)), 4), (vec![10, 11, 0, 0], true, false));
    assert_eq!(page(&engine, Anchor::After(Seq(8)), 3), (vec![10, 11], true, true));
    assert_eq!(page(&engine, Anchor::After(Seq(11)), 3), (vec![0, 0], true, false));
    let words: Vec<_> = engine
        .history(CHAT, Anchor::After(Seq(11)), 3)
        .unwrap()
        .messages
        .into_iter()
        .map(|m| m.text)
        .collect();
    assert_eq!(words, ["one", "two"]);
    assert_eq!(page(&engine, Anchor::Before(Seq(2)), 3), (vec![1], false, true), "and not before");
    // The log as it is has every entry.
    let log: Vec<_> = engine.log(CHAT, 5, None).unwrap().into_iter().map(|m| m.seq.map(|s| s.0)).collect();
    assert_eq!(log, [Some(10), Some(11), Some(12), None, None]);
    let log: Vec<_> = engine.log(CHAT, 2, Some(Seq(4))).unwrap().into_iter().map(|m| m.is_silent()).collect();
    assert_eq!(log, [false, true]);
}

#[test]
fn the_first_unread_is_in_the_middle() {
    let mut engine = anna();
    chat(&engine, CHAT, 30, |_| state::READABLE);
    engine.mark_read(CHAT, Seq(9), NOW).unwrap();
    let row = engine.conversation_row(CHAT).unwrap().unwrap();
    // 10, 15, 20, 25 and 30 are her own.
    assert_eq!((row.unread, row.markers.read_here, row.head), (16, Seq(9), Seq(30)));
    assert_eq!(page(&engine, Anchor::Unread, 6), (vec![8, 9, 10, 11, 12, 13], true, true));
    engine.mark_read(CHAT, Seq(28), NOW).unwrap();
    assert_eq!(page(&engine, Anchor::Unread, 6), (vec![26, 27, 28, 29, 30], true, false));
    engine.mark_read(CHAT, Seq(30), NOW).unwrap();
    assert_eq!(page(&engine, Anchor::Unread, 3), (vec![28, 29, 30], true, false), "none: the newest");
    assert_eq!(page(&engine, Anchor::Unread, 0).0, [30], "a limit of nothing is one");
}

#[test]
fn the_list_says_what_is_newest() {
    let mut engine = anna();
    chat(&engine, CHAT, 3, |seq| if seq == 3 { state::COMMIT } else { state::READABLE });
    let row = |engine: &Engine| engine.conversation_row(CHAT).unwrap().unwrap();
    let newest = |engine: &Engine| row(engine).last.unwrap();
    assert_eq!(newest(&engine).seq, Some(Seq(2)), "a change of keys says nothing");
    assert_eq!(row(&engine).at, NOW.plus_ms(2));
    assert_eq!((row(&engine).others, row(&engine).size), (vec![BO.to_string()[..8].to_owned()], 2));
    let id = engine.send(CHAT, &Draft::Text("early".into()), NOW).unwrap();
    assert_eq!(newest(&engine).id, id, "what waits is the newest whatever the clock says");
    crate::store::message::fail(engine.db(), CHAT, id, "too large").unwrap();
    assert_eq!(newest(&engine).seq, Some(Seq(2)), "what failed is where it was written");
    let failed = engine.message(CHAT, id).unwrap().unwrap();
    assert_eq!((failed.state, failed.reason.as_deref()), (MessageState::Failed, Some("too large")));
    assert_eq!(failed.text, "early");
    let all = engine.conversation_rows().unwrap();
    assert_eq!(all.iter().find(|r| r.id == CHAT), Some(&row(&engine)));
    // One that cannot be read yet has no time of its own.
    let waiting = NewMessage { sent_at: Timestamp(0), ..message(CHAT, 4, BO, state::WAITING_KEY) };
    put(engine.db(), &waiting).unwrap();
    assert_eq!((newest(&engine).state, row(&engine).at), (MessageState::Waiting, NOW.plus_ms(3)));
    // The self conversation, in which nothing was said, comes last.
    assert_eq!(all.last().map(|r| (r.kind, r.at)), Some((ConversationKind::SelfConversation, Timestamp(0))));
}

/// How SQLite goes about a statement.
fn plan(engine: &Engine, sql: &str) -> String {
    let mut statement = engine.db().prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    let any = vec![0; statement.parameter_count()];
    let steps = statement.query_map(rusqlite::params_from_iter(any), |row| row.get::<_, String>(3)).unwrap();
    steps.collect::<rusqlite::Result<Vec<_>>>().unwrap().join("; ")
}

#[test]
fn unread_messages_are_counted_without_reading_them() {
    let engine = anna();
    let plan = plan(&engine, &format!("SELECT 1 {} LIMIT 10", list::UNREAD));
    assert_eq!(plan, "SEARCH message USING COVERING INDEX message_unread (conversation=? AND seq>?)");
}

#[test]
fn a_page_of_a_long_log_reads_no_more_than_itself() {
    let engine = anna();
    let older = plan(&engine, &history::Stretch::Before(Seq(9)).sql());
    assert_eq!(older, "SEARCH message USING INDEX message_seq (conversation=? AND seq>? AND seq<?)");
    let newer = plan(&engine, &history::Stretch::After(Seq(9)).sql());
    assert_eq!(newer, "SEARCH message USING INDEX message_seq (conversation=? AND seq>? AND seq<?)");
    let unsent = plan(&engine, &history::unsent_sql());
    assert_eq!(unsent, "SEARCH message USING INDEX message_unsent (conversation=?)");
}

#[test]
fn a_device_whose_time_is_over_says_so_by_the_time_it_is_given() {
    let engine = anna();
    let (_, account, device) = engine.whoami().unwrap();
    assert_eq!(engine.stage(NOW).unwrap(), Some(Stage::Registering));
    let until = NOW.plus_ms(1_000);
    engine
        .db()
        .execute(
            "UPDATE account_device SET role = 1, valid_until = ?1 WHERE account = ?2 AND device = ?3",
            rusqlite::params![to_sql(until.0), account.as_bytes(), device.as_bytes()],
        )
        .unwrap();
    assert_eq!(engine.devices(NOW).unwrap()[0].state, DeviceState::ExpiresSoon);
    assert_eq!(engine.devices(until).unwrap()[0].state, DeviceState::Expired);
    assert_eq!(engine.devices(Timestamp(0)).unwrap()[0].state, DeviceState::Valid);
}

#[test]
fn usage_counts_what_is_there() {
    let mut engine = anna();
    chat(&engine, CHAT, 4, |seq| if seq == 1 { state::COMMIT } else { state::READABLE });
    engine.send(CHAT, &Draft::Text("one".into()), NOW).unwrap();
    let usage = engine.usage().unwrap();
    assert_eq!((usage.messages, usage.conversations), (4, 2));
    assert!(usage.bytes > 4096, "{usage:?}");
    // The device's name waits too, and is no message.
    assert_eq!(engine.outgoing_total().unwrap(), 1);
}

#[test]
#[allow(clippy::disallowed_methods, reason = "it measures")]
#[ignore = "a measurement: cargo test --release -p diario-engine -- --ignored a_thousand"]
fn a_thousand_conversations_are_listed_at_once() {
    let engine = anna();
    engine.db().execute_batch("BEGIN").unwrap();
    for n in 0..1_000_u64 {
        let mut id = [0; 16];
        id[..8].copy_from_slice(&n.to_be_bytes());
        chat(
            &engine,
            ConversationId::new(id),
            100,
            |seq| {
                if seq > 98 { state::COMMIT } else { state::READABLE }
            },
        );
    }
    engine.db().execute_batch("COMMIT").unwrap();
    for _ in 0..3 {
        let begin = Instant::now();
        let rows = engine.conversation_rows().unwrap();
        let took = begin.elapsed();
        assert_eq!(rows.len(), 1_001);
        eprintln!("{took:?}");
        assert!(took.as_millis() < 100, "{took:?}");
    }
}
