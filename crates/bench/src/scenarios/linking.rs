//! Letting one device after the other into an account: from the user's yes to a device that is one of the account.

use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::bench::Bench;
use crate::device::{Device, in_memory, together};
use crate::proc::Watch;
use crate::report::Report;
use crate::server::ServerProcess;
use crate::spread::{Spread, number};

pub(crate) async fn run(bench: &Bench, report: &mut Report) -> Result<()> {
    let folder = bench.folder()?;
    let server = ServerProcess::start(folder.path())?;
    let mut phone = Device::register(&server, in_memory()?, "owner").await?;
    let watch = Watch::start(server.pid())?;
    let mut times: Vec<Duration> = Vec::new();
    let mut bytes = Vec::new();
    for _ in 1..=bench.linked {
        let (mut device, said_yes) = Device::begin_link(&server, in_memory()?, &mut phone).await?;
        device.recorded = Some(Vec::new());
        let linked = |d: &[&mut Device]| d.iter().all(|d| d.engine.is_live() && d.engine.at_rest());
        together(&mut [&mut phone, &mut device], "linked", linked).await?;
        times.push(said_yes.elapsed());
        bytes.push(device.recorded.take().iter().flatten().map(Vec::len).sum::<usize>());
        drop(device.disconnect());
    }
    let usage = watch.read()?;
    let mut section = report.scenario("linking", usage.others);
    let last = times.len();
    for (n, (took, got)) in times.iter().zip(&bytes).enumerate() {
        // The first, the middle and the last: whether it grows with the devices that are there.
        if [0, last / 2, last - 1].contains(&n) {
            let name = format!("device {} of the account", n + 2);
            section.put(&format!("{name}: yes until both are at rest"), took.as_secs_f64() * 1e3, "ms");
            section.put(&format!("{name}: bytes that it got"), number(*got), "B");
        }
    }
    let slowest = Spread::new(times);
    section.put("all of them, p50", slowest.ms(50), "ms");
    section.put("server CPU of a linking", usage.server / number(last) * 1e3, "ms");
    bytes.last().context("nothing was linked")?;
    Ok(())
}
