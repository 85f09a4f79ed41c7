//! S2, latency: from the moment of sending to that of seeing, on the recipient's third device.
//!
//! Once between raw connections, as the peers were measured; and once between real engines with the driver that
//! applications use, where sealing, opening and storing at both ends is part of it.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use diario_client::Client;
use diario_engine::{ConnectionState, Draft, Engine, Event};
use diario_protocol::{ConversationId, EntryId};
use tokio::sync::{broadcast, oneshot};
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;

use crate::bars;
use crate::bench::{Bench, TEXT};
use crate::people::{Pair, Stores, Talk};
use crate::proc::Watch;
use crate::report::{Report, Section};
use crate::server::ServerProcess;
use crate::socket::Socket;
use crate::spread::Spread;
use crate::wire::Tally;

/// Between two messages of the steady load.
const PERIOD: Duration = Duration::from_millis(20);
/// How long a message may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// Messages that are not counted.
const WARM_UP: usize = 20;

pub(crate) async fn run(bench: &Bench, report: &mut Report) -> Result<()> {
    let folder = bench.folder()?;
    let server = ServerProcess::start(folder.path())?;
    let watch = Watch::start(server.pid())?;
    let (raw_single, raw_rate) = raw(bench, Pair::make(&server, "s2.raw").await?).await?;
    let stores = |sync| Stores::Disk(folder.path(), sync);
    let pair = |sync, name| Pair::make_in(stores(sync), &server, name);
    let ends = engines(bench, pair("FULL", "s2.ends").await?, Driven::Ends).await?;
    let (single, rate) = engines(bench, pair("FULL", "s2.engine").await?, Driven::All).await?;
    // With this the engine lets nothing wait.
    let synced = engines(bench, pair("EXTRA", "s2.synced").await?, Driven::All).await?;
    let mut s2 = report.scenario("S2", watch.read()?.others);
    let single_bar = (bars::S2_SINGLE_P50, None, bars::S2_SINGLE_PEERS);
    put(&mut s2, "one at a time", &raw_single, single_bar);
    let bar = (bars::S2_RATE_P50, Some(bars::S2_RATE_P99), bars::S2_RATE_PEERS);
    put(&mut s2, "50 a second", &raw_rate, bar);
    // The peers' figures are without encryption and a store on the device; the bars count with them, too.
    put(&mut s2, "engines at both ends, one at a time", &ends.0, single_bar);
    put(&mut s2, "engines at both ends, 50 a second", &ends.1, bar);
    // All five devices seal, open and store on the processors and the disk of this one machine.
    put(&mut s2, "engines, one at a time", &single, single_bar);
    put(&mut s2, "engines, 50 a second", &rate, bar);
    // What it would be if each device synced a message before it shows it.
    s2.put("engines that sync first, one at a time: p50", synced.0.ms(50), "ms");
    s2.put("engines that sync first, 50 a second: p50", synced.1.ms(50), "ms");
    Ok(())
}

type Bars = (bars::Bar, Option<bars::Bar>, &'static str);

fn put(section: &mut Section<'_>, name: &str, times: &Spread, (bar, slow, peers): Bars) {
    section.put(&format!("{name}: p50"), times.ms(50), "ms").bar(bar).peers(peers);
    let p99 = section.put(&format!("{name}: p99"), times.ms(99), "ms");
    if let Some(slow) = slow {
        p99.bar(slow);
    }
    section.put(&format!("{name}: max"), times.ms(100), "ms");
}

async fn raw(bench: &Bench, pair: Pair) -> Result<(Spread, Spread)> {
    let Pair { from, to, talk } = pair;
    let mut from = from.into_iter();
    let mut sender = from.next().context("a sender")?.into_socket();
    let mut others: Vec<Socket> = from.chain(to).map(crate::device::Device::into_socket).collect();
    let mut third = others.pop().context("a third device")?;
    let reading: Vec<_> = others.into_iter().map(|socket| tokio::spawn(swallow(socket))).collect();

    let mut seen = Tally::from(talk.head);
    let mut own = Tally::default();
    let mut singles = Vec::new();
    for n in 0..WARM_UP + bench.singles {
        let sent = u64::try_from(n)? + 1;
        let begin = Instant::now();
        talk.append(&mut sender, u32::try_from(sent)?)?;
        sender.flush().await?;
        while seen.seq < talk.head + sent {
            third.fill().await?;
            third.take(|frame| seen.count(frame))?;
        }
        singles.push(begin.elapsed());
        third.flush().await?;
        while own.acks < sent {
            sender.fill().await?;
            sender.take(|frame| own.count(frame))?;
        }
    }
    let head = seen.seq;
    let watching = tokio::spawn(watch_log(third, seen, bench.at_rate));
    let sent = send_at_rate(&mut sender, &talk, bench.at_rate).await?;
    let seen = tokio::time::timeout(PATIENCE, watching).await.context("a message did not arrive")???;
    if sent.len() != seen.len() || head < talk.head {
        bail!("{} messages were sent and {} seen", sent.len(), seen.len());
    }
    for task in reading {
        task.abort();
    }
    let at_rate = sent.iter().zip(&seen).map(|(sent, seen)| seen.duration_since(*sent)).collect();
    Ok((Spread::new(singles.split_off(WARM_UP)), Spread::new(at_rate)))
}

/// Reads and forgets.
async fn swallow(mut socket: Socket) -> Result<()> {
    loop {
        socket.fill().await?;
        socket.take(|_| Ok(()))?;
        socket.flush().await?;
    }
}

/// When each of the next entries came.
async fn watch_log(mut socket: Socket, mut tally: Tally, count: usize) -> Result<Vec<Instant>> {
    let mut seen = Vec::new();
    while seen.len() < count {
        socket.fill().await?;
        let before = tally.entries;
        socket.take(|frame| tally.count(frame))?;
        let at = Instant::now();
        seen.extend((before..tally.entries).map(|_| at));
        socket.flush().await?;
    }
    Ok(seen)
}

/// Sends at the steady rate, whether or not the answers keep up; gives the times of sending.
async fn send_at_rate(socket: &mut Socket, talk: &Talk, count: usize) -> Result<Vec<Instant>> {
    let mut due = tokio::time::interval(PERIOD);
    due.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let (mut sent, mut own) = (Vec::new(), Tally::default());
    while sent.len() < count {
        tokio::select! {
            _ = due.tick() => {
                sent.push(Instant::now());
                talk.append(socket, u32::try_from(sent.len())?)?;
                socket.flush().await?;
            }
            filled = socket.fill() => {
                filled?;
                socket.take(|frame| own.count(frame))?;
            }
        }
    }
    Ok(sent)
}

/// Which devices are engines with their drivers; what comes to the others is read and forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Driven {
    /// The sender and the third device: as if each of the others had a machine of its own.
    Ends,
    All,
}

async fn engines(bench: &Bench, pair: Pair, driven: Driven) -> Result<(Spread, Spread)> {
    let conversation = pair.talk.conversation;
    let (mut clients, mut reading) = (Vec::new(), Vec::new());
    let devices: Vec<_> = pair.from.into_iter().chain(pair.to).collect();
    let last = devices.len() - 1;
    for (n, device) in devices.into_iter().enumerate() {
        if driven == Driven::All || n == 0 || n == last {
            clients.push(drive(device.disconnect()).await?);
        } else {
            reading.push(tokio::spawn(swallow(device.into_socket())));
        }
    }
    let (sender, third) = (&clients[0].0, &clients[clients.len() - 1].0);
    let mut events = third.events();
    let mut singles = Vec::new();
    for n in 0..WARM_UP + bench.singles {
        let begin = Instant::now();
        let id = say(sender, conversation, n).await?;
        shown(&mut events, id).await?;
        singles.push(begin.elapsed());
    }
    let count = bench.at_rate;
    let watching = tokio::spawn(async move {
        let mut seen = HashMap::new();
        while seen.len() < count {
            if let Event::Message { id, .. } = events.recv().await? {
                seen.insert(id, Instant::now());
            }
        }
        anyhow::Ok(seen)
    });
    let mut due = tokio::time::interval(PERIOD);
    due.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut sent = Vec::new();
    for n in 0..count {
        due.tick().await;
        let begin = Instant::now();
        sent.push((say(sender, conversation, n).await?, begin));
    }
    let seen = tokio::time::timeout(PATIENCE, watching).await.context("a message did not arrive")???;
    let time = |(id, begin)| Some(seen.get(&id)?.duration_since(begin));
    let at_rate = sent.into_iter().map(time).collect::<Option<Vec<_>>>().context("a message was lost")?;
    for (_, driver) in clients {
        driver.abort();
    }
    for task in reading {
        task.abort();
    }
    Ok((Spread::new(singles.split_off(WARM_UP)), Spread::new(at_rate)))
}

/// Gives an engine the driver that applications use, and waits until it is live.
async fn drive(engine: Engine) -> Result<(Client, JoinHandle<()>)> {
    let (client, driver) = Client::new(engine);
    let (ended, end) = oneshot::channel();
    let task = tokio::spawn(async move {
        let _ = ended.send(driver.run().await);
    });
    let mut connection = client.connection();
    tokio::select! {
        live = connection.wait_for(|state| *state == ConnectionState::Live) => drop(live?),
        ended = end => bail!("the driver ended: {ended:?}"),
    }
    Ok((client, task))
}

async fn say(client: &Client, conversation: ConversationId, n: usize) -> Result<EntryId> {
    let draft = Draft::Text(format!("{n:0>TEXT$}"));
    Ok(client.with(move |engine, now| engine.send(conversation, &draft, now)).await??)
}

/// Waits until a message is shown.
async fn shown(events: &mut broadcast::Receiver<Event>, wanted: EntryId) -> Result<()> {
    let waiting = async {
        loop {
            match events.recv().await? {
                Event::Message { id, .. } if id == wanted => return Ok(()),
                _ => {}
            }
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.context("a message did not arrive")?
}
