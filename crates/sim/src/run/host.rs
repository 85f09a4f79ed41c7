//! The server of a run: it can be killed, with what was not synced lost, and started again.

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use diario_server::EmbeddedServer;
use diario_server::storage::sqlite::DATABASE_FILE;
use tokio::io::DuplexStream;

use super::clock::VirtualClock;
use super::plan::Plan;
use crate::Random;
use crate::os::Simulated;

/// The server and its disk.
pub(crate) struct Host {
    folder: PathBuf,
    generation: u32,
    running: Option<EmbeddedServer>,
}

impl Host {
    pub(crate) fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), generation: 0, running: None }
    }

    pub(crate) fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// The file of the database that is in use.
    pub(crate) fn database(&self) -> PathBuf {
        self.data().join(DATABASE_FILE)
    }

    fn data(&self) -> PathBuf {
        self.folder.join(format!("server-{}", self.generation))
    }

    /// Starts it, if it does not run.
    pub(crate) async fn start(&mut self, plan: &Plan, clock: &Arc<VirtualClock>) -> Result<()> {
        if self.running.is_none() {
            let settings = plan.settings(self.data());
            let server = EmbeddedServer::open(settings, Arc::clone(clock) as _, plan.commit_time).await;
            self.running = Some(server.context("the server does not start")?);
        }
        Ok(())
    }

    /// Hands it the other end of a connection; drops that if it does not run.
    pub(crate) fn connect(&self, stream: DuplexStream) {
        if let Some(server) = &self.running {
            server.connect(stream, IpAddr::V4(Ipv4Addr::LOCALHOST));
        }
    }

    /// Kills it as a power cut does: of what was not synced, only a part is there afterwards.
    pub(crate) fn kill(&mut self, os: &Simulated, random: &mut Random) -> Result<()> {
        if self.running.take().is_none() {
            return Ok(());
        }
        // Tasks of the old one may still write to the old files; they are nobody's now.
        let old = self.data();
        self.generation += 1;
        let new = self.data();
        std::fs::create_dir_all(&new)?;
        copy_as_after_power_cut(os, random, &old.join(DATABASE_FILE), &new.join(DATABASE_FILE))
    }
}

/// Copies a database as it would be after a power cut: its write-ahead log ends somewhere behind what was synced.
pub(crate) fn copy_as_after_power_cut(
    os: &Simulated,
    random: &mut Random,
    from: &Path,
    to: &Path,
) -> Result<()> {
    std::fs::copy(from, to)?;
    let (from, to) = (wal(from), wal(to));
    if !from.exists() {
        return Ok(());
    }
    let synced = os.synced_length(&from)?;
    let mut log = std::fs::read(&from)?;
    let unsynced = log.len().saturating_sub(usize::try_from(synced)?);
    log.truncate(log.len() - unsynced + random.below(unsynced + 1));
    std::fs::write(&to, log)?;
    // What a power cut has left is on the disk: another cut, before anything else is written, takes none of it.
    os.spare_syncs(true);
    std::fs::File::open(&to)?.sync_all()?;
    os.spare_syncs(false);
    Ok(())
}

/// Copies a database and its write-ahead log as they are.
pub(crate) fn copy(from: &Path, to: &Path) -> Result<()> {
    std::fs::copy(from, to)?;
    let (from, to) = (wal(from), wal(to));
    if from.exists() {
        std::fs::copy(from, to)?;
    }
    Ok(())
}

fn wal(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push("-wal");
    name.into()
}
