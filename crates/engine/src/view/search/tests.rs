//! Searching stores that are made by hand.

use std::collections::BTreeSet;

use diario_protocol::{AccountId, ConversationId, DeviceId, EntryId, Epoch, Seq, Timestamp};
use proptest::prelude::*;
use rusqlite::Connection;

use super::*;
use crate::EngineConfig;
use crate::engine::Draft;
use crate::store::message::{self, NewMessage, put, state};

const NOW: Timestamp = Timestamp(1_700_000_000_000);
const CHAT: ConversationId = ConversationId::new([1; 16]);
const OTHER: ConversationId = ConversationId::new([9; 16]);
const BO: AccountId = AccountId::new([2; 16]);
const EVA: AccountId = AccountId::new([4; 16]);

const NONE: [u64; 0] = [];

fn anna() -> Engine {
    let mut engine = Engine::open(Connection::open_in_memory().unwrap(), EngineConfig::default()).unwrap();
    engine.register("ws://here", "anna", "laptop", None, NOW).unwrap();
    engine
        .db()
        .execute_batch(
            "INSERT INTO account(id, username, version, list) VALUES(x'02020202020202020202020202020202', 'bo', 1, x''),
                (x'04040404040404040404040404040404', 'eva', 1, x'')",
        )
        .unwrap();
    engine
}

fn message(id: ConversationId, seq: u64, account: AccountId, text: &str) -> NewMessage<'_> {
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
        sent_at: NOW.plus_ms(seq * 1000),
        state: state::READABLE,
        reason: None,
        text,
        content: None,
        sealed: None,
        hash: None,
    }
}

fn say(engine: &Engine, id: ConversationId, seq: u64, account: AccountId, text: &str) {
    put(engine.db(), &message(id, seq, account, text)).unwrap();
}

fn query(words: &str) -> SearchQuery {
    SearchQuery { words: words.to_owned(), limit: 100, ..SearchQuery::default() }
}

fn seqs(engine: &mut Engine, query: &SearchQuery) -> Vec<u64> {
    let page = engine.search(query, NOW).unwrap();
    assert_eq!(page.unsearched.unindexed, 0);
    page.hits.iter().map(|hit| hit.message.seq.map_or(0, |seq| seq.0)).collect()
}

#[test]
fn messages_are_found_by_words_person_conversation_and_date_newest_first() {
    let mut engine = anna();
    say(&engine, CHAT, 1, BO, "Un caffè?");
    say(&engine, CHAT, 2, EVA, "Il caffettano è di Eva");
    say(&engine, OTHER, 3, BO, "perche\u{301} niente CAFFE\u{300}");
    say(&engine, OTHER, 4, EVA, "東京タワーで👍🏽");
    let found = |engine: &mut Engine, words: &str| seqs(engine, &query(words));
    assert_eq!(found(&mut engine, "caffe"), [3, 2, 1]);
    assert_eq!(found(&mut engine, "\"caffe\""), [3, 1], "quotes take words whole");
    assert_eq!(found(&mut engine, "un caff"), [1]);
    assert_eq!(found(&mut engine, "\"niente caffè\""), [3]);
    assert_eq!(found(&mut engine, "\"caffè niente\""), NONE);
    assert_eq!(found(&mut engine, "タワ"), [4]);
    assert_eq!(found(&mut engine, "👍"), [4]);
    assert_eq!(found(&mut engine, "ワタ"), NONE);
    let with = |change: &dyn Fn(&mut SearchQuery)| {
        let mut query = query("caf");
        change(&mut query);
        query
    };
    assert_eq!(seqs(&mut engine, &with(&|q| q.conversation = Some(CHAT))), [2, 1]);
    assert_eq!(seqs(&mut engine, &with(&|q| q.from = Some("@Bo".into()))), [3, 1]);
    assert_eq!(seqs(&mut engine, &with(&|q| q.from = Some("nobody".into()))), NONE);
    assert_eq!(seqs(&mut engine, &with(&|q| q.since = Some(NOW.plus_ms(2000)))), [3, 2]);
    assert_eq!(seqs(&mut engine, &with(&|q| q.until = Some(NOW.plus_ms(2000)))), [1]);
    let page = engine.search(&query("caff perche"), NOW).unwrap();
    let hit = &page.hits[0];
    let marked: Vec<_> = hit.places.iter().map(|&(from, to)| &hit.message.text[from..to]).collect();
    assert_eq!(marked, ["perche\u{301}", "CAFFE\u{300}"]);
}

#[test]
fn pages_of_hits_follow_each_other() {
    let mut engine = anna();
    for seq in 1..=25 {
        say(&engine, CHAT, seq, BO, "ciao");
    }
    let mut query = SearchQuery { limit: 10, ..query("ciao") };
    let mut all = Vec::new();
    let mut pages = 0;
    loop {
        let page = engine.search(&query, NOW).unwrap();
        all.extend(page.hits.iter().map(|hit| hit.message.seq.unwrap().0));
        pages += 1;
        // Something new does not shift what comes next.
        say(&engine, CHAT, 100 + pages, BO, "ciao");
        match page.more {
            Some(place) => query.after = Some(place),
            None => break,
        }
    }
    assert_eq!((pages, all), (3, (1..=25).rev().collect()));
}

#[test]
fn only_what_can_be_read_is_found() {
    let mut engine = anna();
    for (seq, state) in (0..=7).zip(0..=7) {
        let refused = NewMessage { state, ..message(CHAT, seq + 1, BO, "segreto") };
        put(engine.db(), &refused).unwrap();
    }
    assert_eq!(seqs(&mut engine, &query("segreto")), [8, 2, 1], "failed, readable, pending");
    // What is erased later is gone at once.
    put(engine.db(), &NewMessage { state: state::ERASED, ..message(CHAT, 2, BO, "") }).unwrap();
    assert_eq!(seqs(&mut engine, &query("segreto")), [8, 1]);
    // What is opened later is found.
    put(engine.db(), &message(CHAT, 3, BO, "segreto")).unwrap();
    assert_eq!(seqs(&mut engine, &query("segreto")), [8, 3, 1]);
}

#[test]
fn what_waits_to_be_sent_is_found_until_it_is_forgotten() {
    let mut engine = anna();
    let me = engine.whoami().unwrap().1;
    let own = ConversationId::of_self(me);
    let entry = engine.send(own, &Draft::Text("comprare il latte".into()), NOW).unwrap();
    assert_eq!(engine.search(&query("latte"), NOW).unwrap().hits.len(), 1);
    message::fail(engine.db(), own, entry, "too large").unwrap();
    let hits = engine.search(&query("latte"), NOW).unwrap().hits;
    assert_eq!(hits[0].message.state, crate::MessageState::Failed);
    message::forget_unsent(engine.db(), own, entry).unwrap();
    assert_eq!(engine.search(&query("latte"), NOW).unwrap().hits.len(), 0);
}

#[test]
fn any_text_is_a_query() {
    let mut engine = anna();
    say(&engine, CHAT, 1, BO, "a \"b\" c* ^d NEAR(e) {words}: f - \u{e001} \u{0} g");
    for hostile in [
        "\"",
        "\"\"\"",
        "*",
        "a*",
        "^a",
        "a AND",
        "NOT a",
        "a OR b",
        "NEAR(a b, 2)",
        "words:a",
        "{words}:a",
        "-a",
        "(a",
        "a)",
        "a + b",
        "\u{0}a",
        "\u{e001}",
        "\u{e000}",
        "'; DROP TABLE message; --",
        "\\\"",
        "a\u{301}\u{301}",
        "\u{202e}a",
        "?1",
        ":a",
        "@a",
        "$a",
    ] {
        engine.search(&query(hostile), NOW).unwrap();
    }
    assert_eq!(seqs(&mut engine, &query("near(e")), [1]);
    assert_eq!(seqs(&mut engine, &query("\u{e001}")), NONE, "tags cannot be typed");
    assert_eq!(seqs(&mut engine, &query(&"a ".repeat(100_000))), [1]);
    assert_eq!(seqs(&mut engine, &query(&"東".repeat(10_000))), NONE);
}

#[test]
fn more_messages_in_a_second_than_it_has_keys_are_all_found() {
    let mut engine = anna();
    let count = u64::try_from(search::KEYS).unwrap() + 20;
    engine.db().execute_batch("BEGIN").unwrap();
    for seq in 1..=count {
        let at = NewMessage { sent_at: NOW, ..message(CHAT, seq, BO, "ciao") };
        put(engine.db(), &at).unwrap();
    }
    engine.db().execute_batch("COMMIT").unwrap();
    while engine.index_more(NOW).unwrap() > 0 {}
    let all = SearchQuery { limit: 10_000, until: Some(NOW.plus_ms(1)), ..query("ciao") };
    assert_eq!(seqs(&mut engine, &all).len() as u64, count);
    assert_eq!(seqs(&mut engine, &SearchQuery { until: Some(NOW), ..all }), NONE);
}

#[test]
fn a_store_of_an_older_version_becomes_findable_step_by_step() {
    let db = Connection::open_in_memory().unwrap();
    crate::store::prepare(&db).unwrap();
    for seq in 1..=1200 {
        put(&db, &message(CHAT, seq, BO, "ciao")).unwrap();
    }
    let mut engine = Engine::open(db, EngineConfig::default()).unwrap();
    assert_eq!(engine.deadline(), Some(Timestamp(0)), "at once");
    engine.tick(NOW).unwrap();
    let deadline = engine.deadline().unwrap();
    assert!(deadline > NOW && deadline < NOW.plus_ms(1000), "and goes on");
    let page = engine.search(&query("ciao"), NOW).unwrap();
    assert_eq!(page.hits.len(), 100);
    assert_eq!(page.hits[0].message.seq, Some(Seq(1200)), "the newest are first");
    assert_eq!(page.unsearched.unindexed, 200);
    engine.disconnected(NOW);
    engine.tick(deadline).unwrap();
    assert_eq!(engine.search(&query("ciao"), NOW).unwrap().unsearched.unindexed, 0);
    assert_eq!(engine.deadline().map(|at| at > deadline), None);
}

#[test]
fn a_page_says_how_far_back_everything_was_searched() {
    let mut engine = anna();
    say(&engine, CHAT, 50, BO, "ciao");
    say(&engine, OTHER, 7, BO, "ciao");
    let hole = |conversation, first, last| crate::store::hole::Hole {
        conversation,
        first: Seq(first),
        last: Seq(last),
        hash: diario_protocol::LogHash(diario_protocol::Digest::new([0; 32])),
        at: NOW.plus_ms(5_000),
    };
    crate::store::hole::put(engine.db(), &hole(CHAT, 1, 49)).unwrap();
    let unsearched = engine.search(&query("ciao"), NOW).unwrap().unsearched;
    assert_eq!((unsearched.conversations, unsearched.complete_since), (1, Some(NOW.plus_ms(50_000))));
    let only = SearchQuery { conversation: Some(OTHER), ..query("ciao") };
    assert_eq!(engine.search(&only, NOW).unwrap().unsearched, Unsearched::default());
    crate::store::hole::put(engine.db(), &hole(OTHER, 8, 20)).unwrap();
    let unsearched = engine.search(&only, NOW).unwrap().unsearched;
    assert_eq!((unsearched.conversations, unsearched.complete_since), (1, Some(NOW.plus_ms(5_000))));
    assert_eq!(engine.missing_in(OTHER).unwrap(), [(Seq(8), Seq(20))]);
}

/// A word as it may be written, and what it is to the search.
const WORDS: [(&[&str], &str); 19] = [
    (&["perché", "Perche\u{301}", "PERCHÉ", "perche"], "perche"),
    (&["caffè", "caffe", "CAFFÈ"], "caffe"),
    (&["caffettiera"], "caffettiera"),
    (&["città", "citta\u{300}"], "citta"),
    (&["Morning", "morning"], "morning"),
    (&["more", "MORE"], "more"),
    (&["tea"], "tea"),
    (&["مَرْحَبًا", "مرحبا", "مرحـــبا"], "مرحبا"),
    (&["صباح"], "صباح"),
    (&["الخير", "الخَيْر"], "الخير"),
    (&["東京"], "東 京"),
    (&["京都"], "京 都"),
    (&["タワー"], "タ ワ ー"),
    (&["ありがとう"], "あ り が と う"),
    (&["👍", "👍🏽"], "👍"),
    (&["❤️", "❤"], "❤"),
    (&["👩‍👩‍👧"], "👩 👩 👧"),
    (&["2024"], "2024"),
    (&["20"], "20"),
];

/// Words as they are written, and folded.
fn phrase(most: usize) -> impl Strategy<Value = (String, Vec<String>)> {
    let word = (0..WORDS.len(), 0usize..4);
    let gap = prop::sample::select(vec![" ", ", ", "! ", " — ", "\n", "' "]);
    prop::collection::vec((word, gap), 1..most).prop_map(|parts| {
        let (mut text, mut folded) = (String::new(), Vec::new());
        for ((word, form), gap) in parts {
            let (forms, plain) = WORDS[word];
            text.push_str(forms[form % forms.len()]);
            text.push_str(gap);
            folded.extend(plain.split(' ').map(str::to_owned));
        }
        (text, folded)
    })
}

/// What search is to find, by looking at every message.
fn scan(messages: &[(Vec<String>, bool, bool)], terms: &[(Vec<String>, bool)]) -> BTreeSet<u64> {
    let matches = |text: &[String], (term, quoted): &(Vec<String>, bool)| {
        text.windows(term.len()).any(|window| {
            let (last, before) = term.split_last().unwrap();
            let end = &window[term.len() - 1];
            window[..term.len() - 1] == *before
                && if *quoted { end == last } else { end.starts_with(last.as_str()) }
        })
    };
    (1..).zip(messages).filter(|(_, m)| terms.iter().all(|t| matches(&m.0, t))).map(|(seq, _)| seq).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn search_finds_what_a_plain_scan_finds(
        messages in prop::collection::vec((phrase(9), any::<bool>(), any::<bool>()), 1..40),
        queries in prop::collection::vec(prop::collection::vec((phrase(4), any::<bool>(), 0usize..5), 1..3), 8),
    ) {
        let mut engine = anna();
        let mut seq = 0;
        let mut scanned = Vec::new();
        for ((text, folded), other, by_bo) in messages {
            seq += 1;
            say(&engine, if other { OTHER } else { CHAT }, seq, if by_bo { BO } else { EVA }, &text);
            scanned.push((folded, other, by_bo));
        }
        for terms in queries {
            let mut typed = String::new();
            let mut wanted = Vec::new();
            for ((text, folded), quoted, cut) in terms {
                if quoted {
                    typed.extend(["\"", &text, "\" "]);
                    wanted.push((folded, true));
                } else {
                    // One word, perhaps only its beginning, as it is typed.
                    let first = &folded[0];
                    let most = first.chars().count();
                    let part: String = first.chars().take(if cut == 0 { most } else { cut.min(most) }).collect();
                    typed.push_str(&part);
                    typed.push(' ');
                    wanted.push((vec![part], false));
                }
            }
            let all = scan(&scanned, &wanted);
            let found: Vec<u64> = seqs(&mut engine, &query(&typed));
            prop_assert!(found.is_sorted_by(|a, b| a > b), "newest first");
            prop_assert_eq!(&found.iter().copied().collect::<BTreeSet<_>>(), &all, "{}", typed);
            let page = engine.search(&query(&typed), NOW).unwrap();
            prop_assert!(page.hits.iter().all(|hit| !hit.places.is_empty()));
            let narrow = SearchQuery { conversation: Some(OTHER), from: Some("bo".into()), ..query(&typed) };
            let narrowed: BTreeSet<u64> = all
                .into_iter()
                .filter(|seq| { let m = &scanned[usize::try_from(seq - 1).unwrap()]; m.1 && m.2 })
                .collect();
            prop_assert_eq!(seqs(&mut engine, &narrow).into_iter().collect::<BTreeSet<_>>(), narrowed);
        }
    }
}
