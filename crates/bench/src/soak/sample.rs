//! One look at the processes and the disk.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde::Serialize;

use super::crowd::Done;
use crate::proc;
use crate::server::ServerProcess;
use crate::spread::number;

/// What a process has.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Process {
    /// Resident memory, in bytes.
    pub(crate) memory: f64,
    pub(crate) descriptors: f64,
    pub(crate) threads: f64,
}

/// One look; sizes in bytes.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Sample {
    pub(crate) seconds: f64,
    pub(crate) server: Process,
    pub(crate) devices: Process,
    pub(crate) database: f64,
    /// The server's write-ahead log.
    pub(crate) log: f64,
    /// The stores of all devices, with their logs.
    pub(crate) stores: f64,
    pub(crate) done: Done,
}

impl Process {
    fn look(pid: u32) -> Result<Self> {
        let descriptors = std::fs::read_dir(format!("/proc/{pid}/fd")).context("descriptors")?.count();
        let threads = std::fs::read_dir(format!("/proc/{pid}/task")).context("threads")?.count();
        Ok(Self {
            memory: proc::memory(pid, "VmRSS")?,
            descriptors: number(descriptors),
            threads: number(threads),
        })
    }
}

impl Sample {
    /// Looks at a server, this process, and the folder with the data of both.
    pub(crate) fn take(at: Duration, server: &ServerProcess, folder: &Path, done: Done) -> Result<Self> {
        let data = folder.join("server");
        let log = sizes(&data, |name| name.ends_with("-wal"))?;
        Ok(Self {
            seconds: at.as_secs_f64(),
            server: Process::look(server.pid())?,
            devices: Process::look(std::process::id())?,
            database: sizes(&data, |_| true)? - log,
            log,
            stores: sizes(&folder.join("devices"), |_| true)?,
            done,
        })
    }

    /// It in a line.
    pub(crate) fn line(&self) -> String {
        const MIB: f64 = 1024.0 * 1024.0;
        format!(
            "server {:.1} MiB, {} files; database {:.1} MiB; {} messages",
            self.server.memory / MIB,
            self.server.descriptors,
            self.database / MIB,
            self.done.messages
        )
    }
}

fn sizes(folder: &Path, counts: impl Fn(&str) -> bool) -> Result<f64> {
    let mut bytes = 0.0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if counts(&entry.file_name().to_string_lossy()) {
            // SQLite may have taken it away in this moment.
            let length = entry.metadata().map_or(0, |m| m.len());
            bytes += number(usize::try_from(length)?);
        }
    }
    Ok(bytes)
}
