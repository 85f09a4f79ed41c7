//! What a send costs the server when the other side has many devices, all of them connected.

use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::task::JoinSet;

use crate::bench::Bench;
use crate::device::Device;
use crate::people::Pair;
use crate::proc::Watch;
use crate::report::Report;
use crate::server::ServerProcess;
use crate::socket::Socket;
use crate::spread::number;
use crate::wire::Tally;

/// How long a delivery may take after the last answer.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) async fn run(bench: &Bench, report: &mut Report) -> Result<()> {
    for devices in &bench.devices {
        let folder = bench.folder()?;
        let server = ServerProcess::start(folder.path())?;
        let Pair { from, to, talk } = Pair::with_devices(&server, "devices", 1, *devices).await?;
        let mut sender = from.into_iter().next().context("a sender")?.into_socket();
        let messages = bench.singles * 5;
        let end = talk.head + u64::try_from(messages)?;
        let mut listening = JoinSet::new();
        for device in to.into_iter().map(Device::into_socket) {
            listening.spawn(tokio::time::timeout(PATIENCE, until(device, end)));
        }
        let watch = Watch::start(server.pid())?;
        talk.write(&mut sender, u64::try_from(messages)?).await?;
        while let Some(seen) = listening.join_next().await {
            seen?.context("a message did not arrive")??;
        }
        let usage = watch.read()?;
        let each = usage.server / number(messages) * 1e6;
        let mut section = report.scenario("devices", usage.others);
        section.put(&format!("{devices} devices: server CPU of a send"), each, "us");
        section.put(&format!("{devices} devices: the same, a device"), each / number(*devices), "us");
    }
    Ok(())
}

/// Reads up to a sequence.
async fn until(mut socket: Socket, end: u64) -> Result<()> {
    let mut tally = Tally::default();
    while tally.seq < end {
        socket.fill().await?;
        socket.take(|frame| tally.count(frame))?;
        socket.flush().await?;
    }
    Ok(())
}
