//! Recovery: from the words of a recovery key to a primary device that is usable, with every other device off.

use std::time::Instant;

use anyhow::{Context as _, Result};
use diario_engine::recovery::{Keep, RecoverySecret, WordLanguage};
use diario_engine::{Draft, Event, RecoveryStep};
use diario_protocol::AccountRef;

use crate::bench::Bench;
use crate::device::{Device, in_file, in_memory, now};
use crate::proc::Watch;
use crate::report::Report;
use crate::server::ServerProcess;
use crate::spread::number;

/// Messages of each conversation.
const MESSAGES: usize = 10;

/// What one recovery cost.
struct Cost {
    opened_ms: f64,
    listed_ms: f64,
    usable_ms: f64,
    received_kib: f64,
}

pub(crate) async fn run(bench: &Bench, report: &mut Report) -> Result<()> {
    let folder = bench.folder()?;
    let watch = Watch::start(std::process::id())?;
    let mut costs = Vec::new();
    for conversations in &bench.recovered {
        let path = folder.path().join(format!("{conversations}"));
        costs.push((*conversations, recover(&path, *conversations).await?));
    }
    let usage = watch.read()?;
    let mut section = report.scenario("recovery", usage.others);
    for (conversations, cost) in costs {
        let name = |what: &str| format!("{what}, {conversations} conversations");
        section.put(&name("words to opened vault"), cost.opened_ms, "ms");
        section.put(&name("words to primary device"), cost.listed_ms, "ms");
        section.put(&name("words to everything here and at rest"), cost.usable_ms, "ms");
        section.put(&name("received"), cost.received_kib, "KiB");
    }
    Ok(())
}

async fn recover(path: &std::path::Path, conversations: usize) -> Result<Cost> {
    std::fs::create_dir_all(path)?;
    let server = ServerProcess::start(&path.join("server"))?;
    let mut phone = Device::register(&server, in_memory()?, "giulia").await?;
    for i in 0..conversations {
        let id = phone.engine.create_conversation(&format!("group {i}"), &[], now())?;
        for n in 0..MESSAGES {
            phone.engine.send(id, &Draft::Text(format!("{n:0>100}")), now())?;
        }
        phone.until("sent", |d| d.engine.at_rest()).await?;
    }
    let key = phone.engine.make_recovery_key(WordLanguage::English, now())?;
    let words = key.words.join(" ");
    let asked: Vec<_> = key.asked.iter().map(|n| key.words[usize::from(*n) - 1].clone()).collect();
    phone.engine.confirm_recovery_key(&asked, now())?;
    let ready = |d: &Device| d.engine.recovery_methods().is_ok_and(|m| m.iter().any(|m| m.ready));
    phone.until("in the vault", |d| d.engine.at_rest() && ready(d)).await?;
    drop(phone.disconnect());

    let mut engine = in_file(&path.join("new.db"), "FULL")?;
    let begin = Instant::now();
    let ms = || begin.elapsed().as_secs_f64() * 1e3;
    let account = AccountRef::Name("giulia".parse()?);
    engine.begin_recovery(&server.url(), &account, &RecoverySecret::from_words(&words)?, "new", now())?;
    let mut new = Device::connect(&server, engine).await?;
    new.recorded = Some(Vec::new());
    new.until("opened", |d| d.engine.awaits_recovery_choice()).await?;
    let opened_ms = ms();
    new.engine.finish_recovery(&Keep::None, now())?;
    let done = |e: &Event| matches!(e, Event::Recovery(RecoveryStep::Done { .. }));
    new.until("recovered", |d| d.events.iter().any(done)).await?;
    let listed_ms = ms();
    new.until("usable", |d| d.engine.at_rest()).await?;
    let usable_ms = ms();
    let rows = new.engine.conversation_rows()?;
    let groups = rows.iter().filter(|row| row.title.starts_with("group")).count();
    anyhow::ensure!(groups == conversations, "{groups} of {conversations} conversations came back");
    let received = new.recorded.take().context("nothing was recorded")?;
    let received_kib = number(received.iter().map(Vec::len).sum::<usize>()) / 1024.0;
    Ok(Cost { opened_ms, listed_ms, usable_ms, received_kib })
}
