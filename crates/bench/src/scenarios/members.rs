//! What a send costs the server in a conversation of many members.
//!
//! One real engine makes the group and adds accounts that are made by hand; then raw entries are sent into it, first
//! while nobody else is connected (one diary row for each member), then while everybody is (a write to a socket for each
//! member besides).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use diario_engine::{EngineConfig, GroupChange};
use tokio::task::JoinSet;

use crate::bars;
use crate::bench::Bench;
use crate::device::{Device, in_file_with, now};
use crate::mls::{Handmade, NewAccount};
use crate::people::Talk;
use crate::proc::{Usage, Watch};
use crate::report::Report;
use crate::server::ServerProcess;
use crate::socket::Socket;
use crate::spread::number;
use crate::wire::Tally;

/// Accounts that one commit adds.
const AT_ONCE: usize = 80;
/// Deliveries that are measured, about.
const DELIVERIES: usize = 400_000;
/// How long a delivery may take after the last answer.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) async fn run(bench: &Bench, report: &mut Report) -> Result<()> {
    let mut before: Option<Cost> = None;
    for members in &bench.members {
        let cost = one(bench, report, *members).await?;
        if let Some(fewer) = before {
            let more = number(cost.members - fewer.members);
            let of = format!("from {} to {members} members", fewer.members);
            let mut section = report.scenario("members", cost.others);
            let alone = (cost.alone - fewer.alone) / more;
            section.put(&format!("{of}, nobody connected: each one more"), alone, "us").bar(bars::MEMBER);
            let connected = (cost.connected - fewer.connected) / more;
            section.put(&format!("{of}, all connected: each one more"), connected, "us");
        }
        before = Some(cost);
    }
    Ok(())
}

/// Microseconds of the server for a send.
struct Cost {
    members: usize,
    alone: f64,
    connected: f64,
    others: f64,
}

async fn one(bench: &Bench, report: &mut Report, members: usize) -> Result<Cost> {
    let folder = bench.folder()?;
    let server = ServerProcess::start(&folder.path().join("server"))?;
    let mut others = Vec::new();
    for n in 1..members {
        let account = NewAccount::make(1, 1)?;
        account.register(&mut Socket::connect(server.address()).await?, &format!("member{n}")).await?;
        others.push(account);
    }
    let (mut sender, talk) = gather(&server, &folder.path().join("sender.db"), &others).await?;

    let messages = (DELIVERIES / members).clamp(400, 10_000).min(bench.singles * 10);
    let count = u64::try_from(messages)?;
    talk.write(&mut sender, 100).await?;
    let watch = Watch::start(server.pid())?;
    talk.write(&mut sender, count).await?;
    let alone = watch.read()?;

    let seen = Arc::new(AtomicU64::new(0));
    let mut listening = JoinSet::new();
    for account in &others {
        for device in &account.devices {
            listening.spawn(listen(connect(&server, device).await?, Arc::clone(&seen)));
        }
    }
    let wanted = count * u64::try_from(members - 1)?;
    let watch = Watch::start(server.pid())?;
    talk.write(&mut sender, count).await?;
    let arrived = async {
        while seen.load(Relaxed) < wanted {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    if tokio::time::timeout(PATIENCE, arrived).await.is_err() {
        bail!("{} of {wanted} deliveries came", seen.load(Relaxed));
    }
    let together = watch.read()?;

    let each = |usage: &Usage| usage.server / number(messages) * 1e6;
    let of = format!("{members} members");
    let others_busy = together.others.max(alone.others);
    let (alone, connected) = (each(&alone), each(&together));
    let mut section = report.scenario("members", others_busy);
    section.put(&format!("{of}, nobody connected: server CPU of a send"), alone, "us");
    section.put(&format!("{of}, all connected: server CPU of a send"), connected, "us");
    let generator = together.generator / number(messages * members) * 1e6;
    section.put(&format!("{of}, all connected: generator CPU, a member"), generator, "us");
    Ok(Cost { members, alone, connected, others: others_busy })
}

/// A group of a new account with `others`; gives its first device's connection.
async fn gather(
    server: &ServerProcess,
    store: &std::path::Path,
    others: &[NewAccount],
) -> Result<(Socket, Talk)> {
    let engine = in_file_with(store, "OFF", EngineConfig::default())?;
    let mut sender = Device::register(server, engine, "sender").await?;
    let conversation = sender.engine.create_conversation("many", &[], now())?;
    sender.until("made", |d| d.has(conversation, 0)).await?;
    for some in others.chunks(AT_ONCE) {
        let accounts = some.iter().map(NewAccount::id).collect();
        sender.engine.change_group(conversation, &GroupChange::Add(accounts), now())?;
        sender
            .until("grown", |d| d.engine.at_rest() && !d.engine.has_outgoing(conversation).unwrap_or(true))
            .await?;
    }
    let in_it = sender.engine.members(conversation)?.len();
    if in_it != others.len() + 1 {
        bail!("{in_it} are in the group, not {}", others.len() + 1);
    }
    let body = sender.sealed_length(conversation)?;
    sender.until("sent", |d| d.engine.at_rest()).await?;
    let state = sender.engine.log_state(conversation)?.context("no conversation")?;
    let talk = Talk { conversation, epoch: state.epoch, head: state.next.0 - 1, body };
    Ok((sender.into_socket(), talk))
}

async fn connect(server: &ServerProcess, device: &Handmade) -> Result<Socket> {
    let mut socket = Socket::connect(server.address()).await?;
    device.log_in(&mut socket).await?;
    Ok(socket)
}

/// Counts what comes.
async fn listen(mut socket: Socket, seen: Arc<AtomicU64>) -> Result<()> {
    let mut tally = Tally::default();
    loop {
        socket.fill().await?;
        let before = tally.entries;
        socket.take(|frame| tally.count(frame))?;
        seen.fetch_add(tally.entries - before, Relaxed);
        socket.flush().await?;
    }
}
