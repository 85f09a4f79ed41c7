//! S2 at rates: from sent to seen, while more and more is sent, until the server does not keep up.
//!
//! The load is open: messages leave when they are due, whether or not earlier ones have arrived, and their time counts
//! from then. So a server that falls behind is seen to do so.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use futures_util::{StreamExt as _, TryStreamExt as _};
use indicatif::{ProgressBar, ProgressStyle};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::bench::Bench;
use crate::chart::{Chart, Line, Scale};
use crate::device::Device;
use crate::people::{Pair, Talk};
use crate::proc::Watch;
use crate::report::Report;
use crate::server::ServerProcess;
use crate::socket::Socket;
use crate::spread::{Spread, number};
use crate::wire::Tally;

/// The shortest time between two moments at which messages leave; at high rates several leave together.
const SLOT: Duration = Duration::from_micros(500);
/// How long the last messages of a step may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// Beyond this (milliseconds, the 99th of a hundred) the server does not keep up.
const TOO_LATE: f64 = 250.0;

/// When each message was due, or seen.
type Times = Arc<Mutex<Vec<Instant>>>;

struct Lane {
    due: mpsc::UnboundedSender<Instant>,
    sent: Times,
    seen: Times,
}

/// Devices of a pair, all connected.
const DEVICES: usize = 5;

pub(crate) async fn run(bench: &Bench, report: &mut Report) -> Result<()> {
    let (mut times, mut cpus) = (Vec::new(), Vec::new());
    for pairs in &bench.crowds {
        let curves = crowd(bench, report, *pairs).await?;
        let devices = pairs * DEVICES;
        times.push(Line::new(&format!("p99, {devices} devices"), curves.p99));
        times.push(Line::new(&format!("p50, {devices} devices"), curves.p50));
        cpus.push(Line::new(&format!("{devices} devices"), curves.cpu));
    }
    let x = || ("messages a second".into(), Scale::Logarithmic);
    report.charts.push((
        "latency-load",
        Chart {
            title: "From sent to seen, while more and more is sent".into(),
            x: x(),
            y: ("milliseconds".into(), Scale::Logarithmic),
            lines: times,
        },
    ));
    report.charts.push((
        "cpu-load",
        Chart {
            title: "The server's processor time for a message, four deliveries".into(),
            x: x(),
            y: ("microseconds".into(), Scale::Linear),
            lines: cpus,
        },
    ));
    Ok(())
}

/// By messages a second: latencies in milliseconds, the server's processor time for a message in microseconds.
#[derive(Default)]
struct Curves {
    p50: Vec<(f64, f64)>,
    p99: Vec<(f64, f64)>,
    cpu: Vec<(f64, f64)>,
}

async fn crowd(bench: &Bench, report: &mut Report, pairs: usize) -> Result<Curves> {
    let folder = bench.folder()?;
    let server = ServerProcess::start(folder.path())?;
    let (mut lanes, mut tasks) = (Vec::new(), JoinSet::new());
    let bar = ProgressBar::new(pairs as u64);
    bar.set_style(ProgressStyle::with_template("  {bar:30} {pos}/{len} pairs of accounts")?);
    // Some at a time: each waits for the server most of its time.
    let made = (0..pairs).map(|n| {
        let server = &server;
        async move { Pair::make(server, &format!("load.{n}")).await }
    });
    let mut made = futures_util::stream::iter(made).buffer_unordered(16);
    while let Some(pair) = made.try_next().await? {
        lanes.push(open(pair, &mut tasks)?);
        bar.inc(1);
    }
    bar.finish_and_clear();
    let devices = pairs * DEVICES;
    let mut curves = Curves::default();
    let mut best = 0.0;
    for rate in &bench.rates {
        let watch = Watch::start(server.pid())?;
        let offered = pace(&lanes, *rate, bench.step).await?;
        settle(&lanes, offered, &mut tasks).await?;
        let usage = watch.read()?;
        let times = take(&lanes)?;
        let spread = Spread::new(times);
        let (rate, achieved) = (f64::from(*rate), number(offered) / usage.seconds);
        let (p50, p99) = (spread.ms(50), spread.ms(99));
        let cpu = usage.server / number(offered) * 1e3;
        let mut section = report.scenario("load", usage.others);
        let mut put = |what: &str, value, unit| {
            section.put(&format!("{devices} devices, {rate} a second: {what}"), value, unit);
        };
        put("p50", p50, "ms");
        put("p99", p99, "ms");
        put("server processors", usage.server / usage.seconds, "");
        put("server CPU for 1,000 messages", cpu, "s");
        put("generator processors", usage.generator / usage.seconds, "");
        curves.p50.push((rate, p50));
        curves.p99.push((rate, p99));
        curves.cpu.push((rate, cpu * 1e3));
        if p99 > TOO_LATE {
            put("more than the server can do; it does", achieved, "/s");
            break;
        }
        best = rate;
    }
    report.scenario("load", 0.0).put(&format!("{devices} devices: kept up with"), best, "/s");
    Ok(curves)
}

/// Gives a pair's connections to tasks.
fn open(pair: Pair, tasks: &mut JoinSet<Result<()>>) -> Result<Lane> {
    let Pair { from, to, talk } = pair;
    let mut from = from.into_iter();
    let sender = from.next().context("a sender")?.into_socket();
    let mut others: Vec<Socket> = from.chain(to).map(Device::into_socket).collect();
    let third = others.pop().context("a third device")?;
    for socket in others {
        tasks.spawn(swallow(socket));
    }
    let (due, wanted) = mpsc::unbounded_channel();
    let (sent, seen) = (Times::default(), Times::default());
    tasks.spawn(send(sender, talk, wanted, Arc::clone(&sent)));
    tasks.spawn(watch_log(third, talk.head, Arc::clone(&seen)));
    Ok(Lane { due, sent, seen })
}

/// Tells the lanes in turn when a message is due; gives how many there were.
async fn pace(lanes: &[Lane], rate: u32, step: Duration) -> Result<usize> {
    let senders: Vec<_> = lanes.iter().map(|lane| lane.due.clone()).collect();
    let pacing = tokio::task::spawn_blocking(move || {
        let begin = Instant::now();
        let due = |count: u32| Duration::from_secs(1) * count / rate;
        let (mut count, mut slot) = (0u32, Duration::ZERO);
        while slot < step {
            std::thread::sleep(slot.saturating_sub(begin.elapsed()));
            while due(count) <= slot {
                let lane = &senders[count as usize % senders.len()];
                // The time that was planned, even if this thread came to it late.
                if lane.send(begin + slot).is_err() {
                    bail!("a sender ended");
                }
                count += 1;
            }
            slot = due(count).max(slot + SLOT);
        }
        Ok(count as usize)
    });
    pacing.await?
}

/// Waits until everything that was sent was seen.
async fn settle(lanes: &[Lane], sent: usize, tasks: &mut JoinSet<Result<()>>) -> Result<()> {
    let arrived = async {
        while lanes.iter().map(|lane| lock(&lane.seen).len()).sum::<usize>() < sent {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::select! {
        waited = tokio::time::timeout(PATIENCE, arrived) => waited.context("a message did not arrive"),
        ended = tasks.join_next() => match ended {
            Some(ended) => ended?.context("a connection ended"),
            None => bail!("there are no connections"),
        },
    }
}

/// The times of all messages so far, which are forgotten.
fn take(lanes: &[Lane]) -> Result<Vec<Duration>> {
    let mut times = Vec::new();
    for lane in lanes {
        let (mut sent, mut seen) = (lock(&lane.sent), lock(&lane.seen));
        if sent.len() != seen.len() {
            bail!("{} messages were sent and {} seen", sent.len(), seen.len());
        }
        times.extend(sent.drain(..).zip(seen.drain(..)).map(|(sent, seen)| seen.duration_since(sent)));
    }
    Ok(times)
}

fn lock(times: &Times) -> std::sync::MutexGuard<'_, Vec<Instant>> {
    times.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Sends a message for each that is due.
async fn send(
    mut socket: Socket,
    talk: Talk,
    mut due: mpsc::UnboundedReceiver<Instant>,
    sent: Times,
) -> Result<()> {
    let (mut number, mut own) = (0, Tally::default());
    loop {
        tokio::select! {
            first = due.recv() => {
                let mut next = first;
                while let Some(at) = next {
                    number += 1;
                    lock(&sent).push(at);
                    talk.append(&mut socket, number)?;
                    next = due.try_recv().ok();
                }
                socket.flush().await?;
            }
            filled = socket.fill() => {
                filled?;
                socket.take(|frame| own.count(frame))?;
            }
        }
    }
}

/// Notes when entries after `head` came.
async fn watch_log(mut socket: Socket, head: u64, seen: Times) -> Result<()> {
    let mut tally = Tally::from(head);
    loop {
        socket.fill().await?;
        let before = tally.entries;
        socket.take(|frame| tally.count(frame))?;
        let at = Instant::now();
        lock(&seen).extend((before..tally.entries).map(|_| at));
        if tally.gaps > 0 {
            bail!("the log has a gap");
        }
        socket.flush().await?;
    }
}

/// Reads and forgets.
async fn swallow(mut socket: Socket) -> Result<()> {
    loop {
        socket.fill().await?;
        socket.take(|_| Ok(()))?;
        socket.flush().await?;
    }
}
