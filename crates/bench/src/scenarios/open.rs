//! What an engine does for one received message: verify, decrypt, store.
//!
//! A device that was away catches up once, and what the server said is recorded. Copies of its store from before are
//! then given the same entries without any server, so that nothing but the engine is measured.

use std::path::Path;
use std::time::Instant;

use anyhow::Result;
use rusqlite::{Connection, params};

use super::puppet::Script;
use super::s4::{copy_folder, meet};
use crate::bars;
use crate::bench::{Bench, TEXT};
use crate::device::{Device, in_file};
use crate::machine;
use crate::proc::Watch;
use crate::report::Report;
use crate::server::ServerProcess;
use crate::spread::number;

/// Messages in one transaction.
const BATCH: usize = 256;

pub(crate) async fn run(bench: &Bench, report: &mut Report) -> Result<()> {
    let folder = bench.folder()?;
    let home = folder.path().join("away");
    let script = record(bench, folder.path(), &home).await?;
    let watch = Watch::start(std::process::id())?;
    let mut copies = 0;
    let mut each = |size: usize, live: bool, sync: &str| {
        copies += 1;
        open(&script, &home, &folder.path().join(format!("copy{copies}")), (size, live, sync))
    };
    let batched = each(BATCH, false, "FULL")?;
    let batched_unsynced = each(BATCH, false, "OFF")?;
    let single = each(1, true, "FULL")?;
    let single_unsynced = each(1, true, "OFF")?;
    let verify = machine::look(bench)?;
    let insert = insert(bench, &folder.path().join("insert.db"))?;
    let usage = watch.read()?;
    // This process was watched as the server too.
    let mut open = report.scenario("open", usage.others + usage.generator / usage.seconds);
    open.put("a message, 256 in a transaction", batched, "us").bar(bars::OPEN);
    open.put("the same, store not synced", batched_unsynced, "us");
    open.put("a message, one in a transaction, live", single, "us");
    open.put("the same, store not synced", single_unsynced, "us");
    open.put("of it Ed25519 verify (apart)", verify.verify_us, "us");
    open.put("of it AEAD (apart)", verify.aead_us, "us");
    open.put("of it a row like a message's, 256 in a transaction (apart)", insert, "us");
    open.put("messages", number(script.len()), "");
    Ok(())
}

/// Lets a device miss messages and catch up; gives what it was told. `home` stays as it was before.
async fn record(bench: &Bench, folder: &Path, home: &Path) -> Result<Script> {
    let server = ServerProcess::start(&folder.join("server"))?;
    let (mut away, mut senders) = meet(&server, home, 1).await?;
    away.until("at rest", |d| d.engine.at_rest()).await?;
    drop(away.disconnect());
    let (sender, conversation) = &mut senders[0];
    sender.say(*conversation, bench.opened).await?;
    let seq = sender.engine.log_state(*conversation)?.map_or(0, |s| s.next.0 - 1);
    let copy = folder.join("recording");
    copy_folder(home, &copy)?;
    let mut device = Device::connect(&server, in_file(&copy.join("diario.db"), "OFF")?).await?;
    device.recorded = Some(Vec::new());
    device.until("up to date", |d| d.has(*conversation, seq)).await?;
    Script::of(&device.recorded.take().unwrap_or_default())
}

/// Microseconds for a message.
fn open(script: &Script, home: &Path, copy: &Path, (size, live, sync): (usize, bool, &str)) -> Result<f64> {
    copy_folder(home, copy)?;
    let mut engine = in_file(&copy.join("diario.db"), sync)?;
    script.greet(&mut engine)?;
    let frames = script.frames(size, live);
    let begin = Instant::now();
    for frame in &frames {
        engine.receive(&[frame], crate::device::now())?;
        // Drivers take these after each input.
        while engine.poll_event().is_some() {}
        while engine.poll_transmit().is_some() {}
    }
    let took = begin.elapsed().as_secs_f64() * 1e6 / number(script.len());
    script.check(&engine)?;
    Ok(took)
}

/// Microseconds for a row of a message's size, with a message's indices, in a synced transaction of [`BATCH`].
fn insert(bench: &Bench, path: &Path) -> Result<f64> {
    let db = Connection::open(path)?;
    db.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
         CREATE TABLE message(row INTEGER PRIMARY KEY, conversation BLOB, seq INTEGER, id BLOB, account BLOB,
            device BLOB, epoch INTEGER, sent_at INTEGER, text TEXT, content BLOB, hash BLOB,
            UNIQUE(conversation, id), UNIQUE(conversation, seq));",
    )?;
    let text = "x".repeat(TEXT);
    let content = [7u8; TEXT + 60];
    let mut seq = 0u32;
    let batch = machine::median_us(bench.moment, || {
        db.execute_batch("BEGIN IMMEDIATE")?;
        let mut statement = db.prepare_cached(
            "INSERT INTO message(conversation, seq, id, account, device, epoch, sent_at, text, content, hash)
             VALUES(?1, ?2, ?3, ?4, ?5, 1, 1, ?6, ?7, ?8)",
        )?;
        for _ in 0..BATCH {
            seq += 1;
            let mut id = [0u8; 16];
            getrandom::fill(&mut id).map_err(|e| anyhow::anyhow!("no random bytes: {e}"))?;
            statement.execute(params![[1u8; 16], seq, id, [2u8; 16], [3u8; 16], text, content, [4u8; 32]])?;
        }
        Ok(db.execute_batch("COMMIT")?)
    })?;
    Ok(batch / number(BATCH))
}
