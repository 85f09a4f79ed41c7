//! Looking for messages in a large store.
//!
//! The words are made up, and as unevenly frequent as those of a language. No server is needed.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use diario_engine::{Engine, SearchQuery};
use diario_import::fixture::{FREQUENT, Language, SEARCHES};
use diario_protocol::{ConversationId, Timestamp};
use rusqlite::{Connection, params};

use crate::bars;
use crate::bench::Bench;
use crate::device::{in_file, now};
use crate::proc::Watch;
use crate::report::Report;
use crate::spread::{Spread, number};

/// Words of the language.
const WORDS: usize = 30_000;
const CONVERSATIONS: u64 = 200;
const PEOPLE: u64 = 300;
/// Between two messages, in milliseconds: 100,000 take some years.
const EVERY_MS: u64 = 20 * 60 * 1000;

pub(crate) fn run(bench: &Bench, report: &mut Report) -> Result<()> {
    let folder = bench.folder()?;
    let path = folder.path().join("diario.db");
    let watch = Watch::start(std::process::id())?;
    let mut language = Language::new(7, WORDS);
    // Opened once for its tables and an account, which needs no server.
    in_file(&path, "OFF")?.register("ws://nowhere", "anna", "bench", None, now())?;
    let db = Connection::open(&path)?;
    fill(&db, bench.searched, &mut language)?;
    let before = size(&db)?;
    let mut engine = in_file(&path, "OFF")?;
    let begin = Instant::now();
    while engine.index_more(now())? > 0 {}
    let indexing = begin.elapsed().as_secs_f64() * 1e6 / number(bench.searched);
    let index = (size(&db)? - before) / number(bench.searched);

    let mut kinds: Vec<(&str, Spread)> = Vec::new();
    for (name, make) in SEARCHES {
        let times = (0..bench.searches).map(|_| once(&mut engine, &query(&make(&mut language))));
        kinds.push((name, Spread::new(times.collect::<Result<_>>()?)));
    }
    for (name, make) in NARROWED {
        let times = (0..bench.searches).map(|_| once(&mut engine, &make(&mut language)));
        kinds.push((name, Spread::new(times.collect::<Result<_>>()?)));
    }
    let page = engine.search(&query(language.word(0..1)), now())?;
    ensure!(page.hits.len() == 50, "the most frequent word is found");
    let usage = watch.read()?;
    let mut section = report.scenario("search", usage.others + usage.generator / usage.seconds);
    for (name, spread) in &kinds {
        section.put(&format!("{name}, p50"), spread.ms(50), "ms");
        section.put(&format!("{name}, p99"), spread.ms(99), "ms").bar(bars::SEARCH);
    }
    section.put("indexing a message", indexing, "us");
    section.put("index, bytes a message", index, "B");
    section.put("messages", number(bench.searched), "");
    Ok(())
}

/// A kind of search, and how one is made up.
type Kind = (&'static str, fn(&mut Language) -> SearchQuery);

/// Those that look in one place or at one time, or find nothing.
const NARROWED: [Kind; 3] = [
    ("one letter in a conversation", |l| SearchQuery {
        conversation: Some(conversation(l.below(CONVERSATIONS))),
        ..query(&l.any()[..1])
    }),
    ("a frequent word within a month long ago", |l| SearchQuery {
        since: Some(Timestamp(START + 30 * DAY_MS)),
        until: Some(Timestamp(START + 60 * DAY_MS)),
        ..query(l.word(0..FREQUENT))
    }),
    ("what is nowhere", |l| query(&format!("{} zzzz", l.word(0..FREQUENT)))),
];

/// The time of the first message.
const START: u64 = 1_600_000_000_000;
const DAY_MS: u64 = 24 * 60 * 60 * 1000;

fn query(words: &str) -> SearchQuery {
    SearchQuery { words: words.to_owned(), limit: 50, ..SearchQuery::default() }
}

fn once(engine: &mut Engine, query: &SearchQuery) -> Result<Duration> {
    let begin = Instant::now();
    let page = engine.search(query, now())?;
    let took = begin.elapsed();
    ensure!(page.unsearched.unindexed == 0, "everything is indexed");
    Ok(took)
}

fn conversation(n: u64) -> ConversationId {
    let mut id = [7; 16];
    id[..8].copy_from_slice(&n.to_be_bytes());
    ConversationId::new(id)
}

fn fill(db: &Connection, count: usize, language: &mut Language) -> Result<()> {
    db.execute_batch("BEGIN IMMEDIATE")?;
    let mut statement = db.prepare(
        "INSERT INTO message(conversation, seq, id, account, device, epoch, sent_at, state, text, content, hash)
         VALUES(?1, ?2, ?3, ?4, ?5, 1, ?6, 1, ?7, ?8, ?9)",
    )?;
    let mut at = START;
    for seq in 1..=i64::try_from(count)? {
        let text = language.text();
        let mut id = [0u8; 16];
        id[..8].copy_from_slice(&seq.to_be_bytes());
        let mut account = [0u8; 16];
        account[..8].copy_from_slice(&language.below(PEOPLE).to_be_bytes());
        at += language.below(2 * EVERY_MS);
        let content = [text.as_bytes(), &[0; 60]].concat();
        let at = i64::try_from(at)?;
        let chat = conversation(language.below(CONVERSATIONS));
        statement.execute(params![
            chat.as_bytes(),
            seq,
            id,
            account,
            account,
            at,
            text,
            content,
            [4u8; 32]
        ])?;
    }
    drop(statement);
    Ok(db.execute_batch("COMMIT")?)
}

/// Bytes of a store that are in use.
fn size(db: &Connection) -> Result<f64> {
    let pages =
        |what: &str| -> Result<u32> { Ok(db.query_row(&format!("PRAGMA {what}"), [], |row| row.get(0))?) };
    Ok(f64::from(pages("page_count")? - pages("freelist_count")?) * f64::from(pages("page_size")?))
}
