//! What Linux says about processes and the machine, from `/proc`.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, Result};

/// Clock ticks in a second, as `/proc` counts them (`USER_HZ`, the same on every Linux).
const TICKS: f64 = 100.0;

fn read(path: &str) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read {path}; the benchmarks need Linux"))
}

/// Processor seconds of a process so far, in all its threads.
pub(crate) fn cpu(pid: u32) -> Result<f64> {
    let stat = read(&format!("/proc/{pid}/stat"))?;
    // The name, in brackets, may hold anything.
    let after = stat.rsplit(')').next().unwrap_or_default();
    let ticks = after.split_whitespace().skip(11).take(2).map(str::parse::<f64>);
    Ok(ticks.sum::<Result<f64, _>>()? / TICKS)
}

/// A line of `/proc/PID/status` in bytes: `VmRSS`, `VmHWM`.
pub(crate) fn memory(pid: u32, field: &str) -> Result<f64> {
    let status = read(&format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|l| l.strip_prefix(field)?.strip_prefix(':'));
    let kib = line.and_then(|l| l.split_whitespace().next()).with_context(|| format!("no {field}"))?;
    Ok(kib.parse::<f64>()? * 1024.0)
}

/// How many files this process may have open.
pub(crate) fn open_files() -> Result<usize> {
    let limits = read("/proc/self/limits")?;
    let line =
        limits.lines().find_map(|l| l.strip_prefix("Max open files")).context("no limit of open files")?;
    let soft = line.split_whitespace().next().unwrap_or_default();
    Ok(soft.parse().unwrap_or(usize::MAX))
}

/// Processor seconds that all processors were busy, or taken away by the host, since the start.
fn busy() -> Result<f64> {
    let stat = read("/proc/stat")?;
    let line = stat.lines().next().unwrap_or_default();
    let fields: Vec<f64> = line.split_whitespace().skip(1).filter_map(|f| f.parse().ok()).collect();
    // user nice system idle iowait irq softirq steal
    let busy = [0, 1, 2, 5, 6, 7].into_iter().filter_map(|i| fields.get(i));
    Ok(busy.sum::<f64>() / TICKS)
}

/// The processor's name and kernel's version.
pub(crate) fn system() -> Result<(String, String)> {
    let info = read("/proc/cpuinfo")?;
    let model = info.lines().find_map(|l| l.strip_prefix("model name")?.split(':').nth(1));
    let kernel = read("/proc/sys/kernel/osrelease")?;
    Ok((model.unwrap_or("unknown").trim().to_owned(), kernel.trim().to_owned()))
}

/// Type of the file system on which a folder lies.
pub(crate) fn file_system(folder: &Path) -> Result<String> {
    let folder = folder.canonicalize()?;
    let mounts = read("/proc/self/mounts")?;
    let under = mounts.lines().filter_map(|line| {
        let mut fields = line.split_whitespace().skip(1);
        let (point, kind) = (fields.next()?, fields.next()?);
        folder.starts_with(point).then_some((point.len(), kind))
    });
    Ok(under.max_by_key(|(length, _)| *length).map_or("unknown", |(_, kind)| kind).to_owned())
}

/// Processor time of this process, of a server and of everybody else, from its making on.
pub(crate) struct Watch {
    server: u32,
    began: Instant,
    own: f64,
    servers: f64,
    busy: f64,
}

/// What a [`Watch`] saw.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Usage {
    /// Seconds that went by.
    pub(crate) seconds: f64,
    /// Processor seconds of the load generator.
    pub(crate) generator: f64,
    /// Processor seconds of the server.
    pub(crate) server: f64,
    /// Processors that others kept busy.
    pub(crate) others: f64,
}

impl Watch {
    pub(crate) fn start(server: u32) -> Result<Self> {
        let (own, servers, busy) = (cpu(std::process::id())?, cpu(server)?, busy()?);
        Ok(Self { server, began: Instant::now(), own, servers, busy })
    }

    pub(crate) fn read(&self) -> Result<Usage> {
        let seconds = self.began.elapsed().as_secs_f64();
        let generator = cpu(std::process::id())? - self.own;
        let server = cpu(self.server)? - self.servers;
        let others = ((busy()? - self.busy - generator - server) / seconds).max(0.0);
        Ok(Usage { seconds, generator, server, others })
    }
}
