//! S4: a device was away while others wrote; how long until everything is opened, verified and stored?
//!
//! The device is a process of its own: the driver that applications use, over a SQLite file that is synced at each
//! commit. So its memory and processor time are its own too.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use diario_client::{Client, Home};
use diario_engine::{ConnectionState, Engine, EngineConfig, MessageView};
use diario_protocol::ConversationId;
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;

use crate::bars;
use crate::bench::{Bench, TEXT};
use crate::device::{Device, in_memory, together};
use crate::proc::{self, Watch};
use crate::report::Report;
use crate::server::ServerProcess;
use crate::spread::number;

/// What a device that caught up says of itself.
#[derive(Debug, Serialize, Deserialize)]
struct CaughtUp {
    seconds: f64,
    cpu: f64,
    memory: f64,
    messages: usize,
}

/// Runs the device in `home` until it is live, and prints what that took.
pub(crate) async fn catch_up(home: &Path) -> Result<()> {
    let began = Instant::now();
    let home = Home::take(home)?;
    let (client, driver) = Client::new(home.engine(EngineConfig::default())?);
    let mut connection = client.connection();
    let driving = tokio::spawn(driver.run());
    connection.wait_for(|state| *state == ConnectionState::Live).await?;
    let seconds = began.elapsed().as_secs_f64();
    let cpu = proc::cpu(std::process::id())?;
    let memory = proc::memory(std::process::id(), "VmHWM")?;
    let messages = client.with(|engine, _| readable(engine)).await??;
    println!("{}", serde_json::to_string(&CaughtUp { seconds, cpu, memory, messages })?);
    std::io::stdout().flush()?;
    drop(client);
    Ok(driving.await??)
}

/// Messages of others that can be read.
fn readable(engine: &mut Engine) -> Result<usize> {
    use diario_engine::MessageState::{Delivered, Read};
    let mut count = 0;
    for conversation in engine.conversation_rows()? {
        let messages = engine.log(conversation.id, u32::MAX, None)?;
        let good = |m: &&MessageView| !m.mine && !m.is_notice() && matches!(m.state, Delivered | Read);
        count += messages.iter().filter(good).count();
    }
    Ok(count)
}

pub(crate) async fn run(bench: &Bench, report: &mut Report) -> Result<()> {
    let folder = bench.folder()?;
    let server = ServerProcess::start(&folder.path().join("server"))?;
    let home = folder.path().join("away");
    let (mut away, mut senders) = meet(&server, &home, bench.conversations).await?;
    together(&mut [&mut away], "at rest", |d| d[0].engine.at_rest()).await?;
    let known = readable(&mut away.engine)?;
    drop(away.disconnect());

    let mut writing = JoinSet::new();
    for (mut device, conversation) in senders.drain(..) {
        let missed = bench.missed;
        writing.spawn(async move { device.say(conversation, missed).await.map(|()| device) });
    }
    // They stay connected: nothing of theirs is in the way later.
    let mut writers = Vec::new();
    while let Some(written) = writing.join_next().await {
        writers.push(written??);
    }

    let total = bench.conversations * bench.missed;
    let watch = Watch::start(server.pid())?;
    let mut runs = Vec::new();
    let mut bytes = Vec::new();
    for run in 0..bench.runs {
        let copy = folder.path().join(format!("copy{run}"));
        copy_folder(&home, &copy)?;
        let before = server.metrics().await?;
        let caught_up = in_a_process(&copy)?;
        bytes.push(server.metrics().await?.since(&before, "diario_bytes_out_total"));
        if caught_up.messages != known + total {
            bail!("{} messages can be read, not {}", caught_up.messages, known + total);
        }
        runs.push(caught_up);
    }
    let usage = watch.read()?;
    runs.sort_by(|a, b| a.seconds.total_cmp(&b.seconds));
    bytes.sort_by(f64::total_cmp);
    let (messages, middle) = (number(total), &runs[runs.len() / 2]);
    let each = bytes[bytes.len() / 2] / messages;
    let mut s4 = report.scenario("S4", usage.others);
    let time = s4.put(&format!("{total} missed messages: until live (median)"), middle.seconds, "s");
    if total == bars::S4_MESSAGES {
        time.bar(bars::S4_TIME).peers(bars::S4_TIME_PEERS);
    }
    s4.put("the same, fastest run", runs[0].seconds, "s");
    s4.put("the same, slowest run", runs[runs.len() - 1].seconds, "s");
    s4.put("device CPU for a message", middle.cpu / messages * 1e6, "us");
    s4.put("server CPU for a message", usage.server / number(bench.runs) / messages * 1e6, "us");
    s4.put("bytes of frames for a message", each, "B").peers(bars::S4_BYTES_PEERS);
    s4.put("over the 300 of the content", each - number(TEXT), "B").bar(bars::S4_BYTES);
    s4.put("peak memory of the device", middle.memory / 1_048_576.0, "MiB");
    Ok(())
}

type Sender = (Device, ConversationId);

/// A device in `home`, and accounts that each have a conversation with it.
pub(super) async fn meet(
    server: &ServerProcess,
    home: &Path,
    others: usize,
) -> Result<(Device, Vec<Sender>)> {
    let engine = Home::take(home)?.engine(EngineConfig::default())?;
    let mut away = Device::register(server, engine, "away").await?;
    let account = away.engine.whoami().context("no account")?.1;
    let mut senders = Vec::new();
    for n in 0..others {
        let mut sender = Device::register(server, in_memory()?, &format!("sender{n}")).await?;
        let conversation = sender.engine.direct(account, crate::device::now())?;
        sender.say(conversation, 1).await?;
        let seq = sender.engine.log_state(conversation)?.context("no conversation")?.next.0 - 1;
        let both = |d: &[&mut Device]| d.iter().all(|d| d.has(conversation, seq));
        together(&mut [&mut away, &mut sender], "in the conversation", both).await?;
        senders.push((sender, conversation));
    }
    Ok((away, senders))
}

fn in_a_process(home: &Path) -> Result<CaughtUp> {
    let mut command = Command::new(std::env::current_exe()?);
    let out = command.arg("catch-up").arg("--home").arg(home).stderr(Stdio::inherit()).output()?;
    if !out.status.success() {
        bail!("the device failed");
    }
    Ok(serde_json::from_slice(&out.stdout)?)
}

/// Copies the files of a folder.
pub(super) fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to)?;
    for file in std::fs::read_dir(from)? {
        let file = file?;
        std::fs::copy(file.path(), to.join(file.file_name()))?;
    }
    Ok(())
}
