//! S1, throughput: accounts of 2 devices write to accounts of 3 as fast as the server answers.
//!
//! Real engines make accounts, devices, conversations and groups; then the load generator takes their connections
//! over and sends entries with random bodies of a sealed text's length. The server cannot tell them from sealed ones.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::bars;
use crate::bench::Bench;
use crate::people::{IN_FLIGHT, Pair, Talk};
use crate::proc::Watch;
use crate::report::Report;
use crate::server::ServerProcess;
use crate::socket::Socket;
use crate::spread::number;
use crate::wire::Tally;

/// Deliveries of one message: the recipient's three devices and the sender's other one.
const DELIVERIES: u64 = 4;
/// How long a delivery may take after the last answer.
const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Default)]
struct Counters {
    acks: AtomicU64,
    entries: AtomicU64,
    stop: AtomicBool,
}

pub(crate) async fn run(bench: &Bench, report: &mut Report) -> Result<()> {
    let folder = bench.folder()?;
    let server = ServerProcess::start(folder.path())?;
    let counters = Arc::new(Counters::default());
    let (mut senders, mut receivers) = (JoinSet::new(), JoinSet::new());
    let mut body = 0;
    let mut pairs = Vec::new();
    for n in 0..bench.pairs {
        pairs.push(Pair::make(&server, &format!("s1.{n}")).await?);
    }
    for Pair { from, to, talk } in pairs {
        body = talk.body;
        let (told, last) = watch::channel(None);
        let mut from = from.into_iter();
        let sender = from.next().context("a sender")?.into_socket();
        senders.spawn(send(sender, talk, Arc::clone(&counters), told));
        for device in from.chain(to) {
            receivers.spawn(receive(device.into_socket(), talk, Arc::clone(&counters), last.clone()));
        }
    }
    tokio::time::sleep(bench.warm_up).await;
    let before = server.metrics().await?;
    let (acks, entries) = (counters.acks.load(Relaxed), counters.entries.load(Relaxed));
    let watch = Watch::start(server.pid())?;
    tokio::time::sleep(bench.duration).await;
    let usage = watch.read()?;
    let (acks, entries) = (counters.acks.load(Relaxed) - acks, counters.entries.load(Relaxed) - entries);
    let after = server.metrics().await?;
    counters.stop.store(true, Relaxed);

    let mut stored = 0;
    while let Some(sent) = senders.join_next().await {
        stored += sent??;
    }
    let (mut got, mut gaps) = (0, 0);
    while let Some(received) = receivers.join_next().await {
        let tally = received??;
        got += tally.entries;
        gaps += tally.gaps;
    }
    let lost = (stored * DELIVERIES).saturating_sub(got);
    if acks == 0 {
        bail!("the server answered nothing");
    }

    let count = |n: u64| number(usize::try_from(n).unwrap_or(usize::MAX));
    let (messages, thousands) = (count(acks), count(acks) / 1_000.0);
    let mut s1 = report.scenario("S1", usage.others);
    s1.put("messages a second", messages / usage.seconds, "msg/s")
        .bar(bars::S1_RATE)
        .peers(bars::S1_RATE_PEERS);
    s1.put("server CPU for 1,000 messages", usage.server / thousands, "s")
        .bar(bars::S1_CPU)
        .peers(bars::S1_CPU_PEERS);
    s1.put("deliveries a second", count(entries) / usage.seconds, "/s");
    s1.put("generator CPU for 1,000 messages", usage.generator / thousands, "s");
    s1.put("processors: server", usage.server / usage.seconds, "");
    s1.put("processors: generator", usage.generator / usage.seconds, "");
    let batches = after.since(&before, "diario_batches_total");
    let syncs = after.since(&before, "diario_fsync_seconds_count");
    s1.put("entries in a transaction", after.since(&before, "diario_batch_jobs_total") / batches, "");
    s1.put("transactions without a timed commit", batches - syncs, "");
    let commit = after.since(&before, "diario_fsync_seconds_sum") / syncs;
    s1.put("one commit, with its sync", commit * 1e3, "ms");
    s1.put("times a device fell back to disk", after.since(&before, "diario_lagged_total"), "");
    s1.put("bytes of a sealed 300-byte text", number(body), "B");
    s1.put("messages in all", count(stored), "");
    s1.put("deliveries lost", count(lost), "").bar(bars::NONE_LOST);
    s1.put("gaps in diaries and logs", count(gaps), "").bar(bars::NONE_LOST);
    Ok(())
}

/// Keeps entries in flight until told to stop; tells the last sequence, and how many were stored.
async fn send(
    mut socket: Socket,
    talk: Talk,
    counters: Arc<Counters>,
    last: watch::Sender<Option<u64>>,
) -> Result<u64> {
    let mut tally = Tally::from(talk.head);
    let mut sent = 0;
    loop {
        let stop = counters.stop.load(Relaxed);
        if stop && tally.acks == sent {
            break;
        }
        while !stop && sent - tally.acks < IN_FLIGHT {
            sent += 1;
            talk.append(&mut socket, u32::try_from(sent)?)?;
        }
        socket.flush().await?;
        let before = tally.acks;
        socket.fill().await?;
        socket.take(|frame| tally.count(frame))?;
        counters.acks.fetch_add(tally.acks - before, Relaxed);
    }
    // Nobody else writes into this log.
    last.send_replace(Some(talk.head + sent));
    if tally.gaps > 0 {
        bail!("the sender's own diary has gaps");
    }
    Ok(sent)
}

/// Counts what comes, up to the last sequence.
async fn receive(
    mut socket: Socket,
    talk: Talk,
    counters: Arc<Counters>,
    mut last: watch::Receiver<Option<u64>>,
) -> Result<Tally> {
    let mut tally = Tally::from(talk.head);
    let mut end = None;
    while end.is_none_or(|end| tally.seq < end) {
        tokio::select! {
            filled = socket.fill() => filled?,
            told = last.changed(), if end.is_none() => {
                told?;
                end = *last.borrow();
                continue;
            }
            () = tokio::time::sleep(PATIENCE), if end.is_some() => break,
        }
        let before = tally.entries;
        socket.take(|frame| tally.count(frame))?;
        counters.entries.fetch_add(tally.entries - before, Relaxed);
        if socket.has_outgoing() {
            socket.flush().await?;
        }
    }
    Ok(tally)
}
