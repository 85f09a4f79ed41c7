//! S3: what a device costs the server that is logged in, subscribed, and silent; and what its coming costs.
//!
//! Every device is a real one with a key of its own, five to an account. After the registrations the server is
//! started anew, so that its memory is that of the idle devices and not what is left of making them.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::bars;
use crate::bench::Bench;
use crate::chart::{Chart, Line, Scale};
use crate::mls::{Handmade, NewAccount};
use crate::proc::{self, Watch};
use crate::report::Report;
use crate::server::ServerProcess;
use crate::socket::Socket;
use crate::spread::number;

const MIB: f64 = 1_048_576.0;
/// Devices of an account.
const DEVICES: usize = 5;
/// Key packages that a real device brings with its registration, besides that of last resort.
const KEY_PACKAGES: usize = 20;
/// Accounts that bring as many; the others bring one, so that making them takes less of this process's time.
const COMPLETE: usize = 50;
/// Devices that come at the same time.
const AT_ONCE: usize = 8;
/// Devices that come before the counting, so that the server's code and caches are warm.
const WARM: usize = 50;
/// Open files besides connections.
const FILES: usize = 100;
/// What the server is given to come to rest.
const REST: Duration = Duration::from_secs(1);

pub(crate) async fn run(bench: &Bench, report: &mut Report) -> Result<()> {
    let folder = bench.folder()?;
    let server = ServerProcess::start(folder.path())?;
    // The server has the same limit as this process.
    let most = proc::open_files()?.saturating_sub(FILES + WARM);
    let steps: Vec<usize> = bench.idle.iter().copied().filter(|n| *n <= most).collect();
    let last = steps.last().copied().context("too few files may be open for any device")?;
    let accounts = (last + WARM).div_ceil(DEVICES);

    let watch = Watch::start(server.pid())?;
    let complete = COMPLETE.min(accounts);
    let mut devices = register(&server, 0..complete, KEY_PACKAGES).await?;
    let first = watch.read()?;
    let rest = Watch::start(server.pid())?;
    devices.extend(register(&server, complete..accounts, 1).await?);
    let second = rest.read()?;
    server.stop()?;

    let server = ServerProcess::start(folder.path())?;
    let mut devices = devices.into_iter();
    let mut idle = JoinSet::new();
    log_in(&server, devices.by_ref().take(WARM), &mut idle).await?;
    tokio::time::sleep(REST).await;
    let base = proc::memory(server.pid(), "VmRSS")?;
    let mut here = 0;
    let whole = Watch::start(server.pid())?;
    let mut logins = (0.0, 0.0);
    let mut memory = Vec::new();
    let mut whole_memory = vec![(0.0, base / MIB)];
    for step in steps {
        eprintln!("s3: {step} devices");
        let watch = Watch::start(server.pid())?;
        log_in(&server, devices.by_ref().take(step - here), &mut idle).await?;
        let usage = watch.read()?;
        here = step;
        logins = (logins.0 + usage.server, logins.1 + usage.generator);
        tokio::time::sleep(REST).await;
        let resident = proc::memory(server.pid(), "VmRSS")?;
        memory.push((step, (resident - base) / number(step) / 1024.0));
        whole_memory.push((number(step), resident / MIB));
    }
    let others = whole.read()?.others;

    let mut s3 = report.scenario("S3", others);
    for (step, each) in memory {
        let figure = s3.put(&format!("memory of one of {step} idle devices"), each, "KiB");
        figure.peers(bars::S3_MEMORY_PEERS);
        if step == bars::S3_DEVICES {
            figure.bar(bars::S3_MEMORY);
        }
    }
    s3.put("server CPU for a login, with upgrade and subscription", logins.0 / number(last) * 1e3, "ms")
        .bar(bars::S3_LOGIN)
        .peers(bars::S3_LOGIN_PEERS);
    s3.put("generator CPU for a login", logins.1 / number(last) * 1e3, "ms");
    let each = |cpu: f64, count: usize| cpu / number(count) * 1e3;
    s3.put("server CPU for an account with 21 key packages", each(first.server, complete), "ms");
    s3.put("server CPU for an account with 2 key packages", each(second.server, accounts - complete), "ms");
    s3.put(
        "generator CPU for an account with 2 key packages",
        each(second.generator, accounts - complete),
        "ms",
    );
    s3.put("memory of the server without devices", base / MIB, "MiB");
    report.charts.push((
        "memory-devices",
        Chart {
            title: "The server's memory with idle devices".into(),
            x: ("devices".into(), Scale::Linear),
            y: ("MiB".into(), Scale::Linear),
            lines: vec![Line::new("resident", whole_memory)],
        },
    ));
    if bench.idle.last().is_some_and(|wanted| *wanted > last) {
        eprintln!("s3: only {} files may be open: {last} devices are the most here", proc::open_files()?);
    }
    Ok(())
}

/// Makes accounts on the server, [`DEVICES`] devices each; gives all devices.
async fn register(
    server: &ServerProcess,
    numbers: std::ops::Range<usize>,
    key_packages: usize,
) -> Result<Vec<Handmade>> {
    let at_once = Arc::new(Semaphore::new(AT_ONCE));
    let address = server.address();
    let mut making = JoinSet::new();
    for n in numbers {
        let at_once = Arc::clone(&at_once);
        making.spawn(async move {
            let _turn = at_once.acquire().await?;
            let account = NewAccount::make(DEVICES, key_packages)?;
            let mut socket = Socket::connect(address).await?;
            account.register(&mut socket, &format!("s3.{n}")).await?;
            account.list_devices(&mut socket).await?;
            anyhow::Ok(account.devices)
        });
    }
    let mut devices = Vec::new();
    while let Some(made) = making.join_next().await {
        devices.extend(made??);
    }
    Ok(devices)
}

/// Logs devices in; each then waits for the server's pings until the set is dropped.
async fn log_in(
    server: &ServerProcess,
    devices: impl Iterator<Item = Handmade>,
    idle: &mut JoinSet<Result<()>>,
) -> Result<()> {
    let at_once = Arc::new(Semaphore::new(AT_ONCE));
    let address = server.address();
    let mut coming = JoinSet::new();
    for device in devices {
        let at_once = Arc::clone(&at_once);
        coming.spawn(async move {
            let _turn = at_once.acquire().await?;
            let mut socket = Socket::connect(address).await?;
            device.log_in(&mut socket).await?;
            anyhow::Ok(socket)
        });
    }
    while let Some(came) = coming.join_next().await {
        let mut socket = came??;
        socket.forget_buffers();
        idle.spawn(async move {
            loop {
                socket.fill().await?;
                socket.take(|_| Ok(()))?;
                socket.flush().await?;
            }
        });
    }
    Ok(())
}
