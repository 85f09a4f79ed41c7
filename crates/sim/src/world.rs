//! A server in this process.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Result;
use diario_protocol::Timestamp;
use diario_server::{Clock, Server, Settings};
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A clock that a test moves, for the server and for every device.
#[derive(Debug, Default)]
pub struct ManualClock {
    ahead_ms: AtomicU64,
}

impl ManualClock {
    /// Moves time forward by so many milliseconds.
    pub fn advance(&self, ms: u64) {
        self.ahead_ms.fetch_add(ms, Ordering::SeqCst);
    }

    /// The time now: the machine's, and what it was moved ahead.
    pub fn time(&self) -> Timestamp {
        let real = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let real = u64::try_from(real.as_millis()).unwrap_or(0);
        Timestamp(real + self.ahead_ms.load(Ordering::SeqCst))
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        self.time()
    }
}

/// A server, its data, and the clock.
pub struct World {
    folder: TempDir,
    address: SocketAddr,
    clock: Arc<ManualClock>,
    change: fn(&mut Settings),
    running: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
}

impl World {
    /// Starts a server on a free port of loopback.
    pub async fn new() -> Result<Self> {
        Self::with(|_| {}).await
    }

    /// The same, with settings changed by `change`.
    pub async fn with(change: fn(&mut Settings)) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let mut world = Self {
            folder,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            clock: Arc::default(),
            change,
            running: None,
        };
        world.start().await?;
        Ok(world)
    }

    /// Starts the server, on the address that it had.
    pub async fn start(&mut self) -> Result<()> {
        let mut settings = Settings { listen: self.address, data_dir: self.data(), ..Settings::default() };
        unlimited(&mut settings);
        (self.change)(&mut settings);
        let clock: Arc<dyn Clock> = Arc::clone(&self.clock) as _;
        let server = Server::bind_with_clock(settings, clock).await?;
        self.address = server.local_addr();
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(async move {
            // A closed channel is a stop too.
            server.serve(async { drop(stopped.await) }).await;
        });
        self.running = Some((stop, task));
        Ok(())
    }

    /// Stops the server; what it acknowledged is on disk.
    pub async fn stop(&mut self) {
        if let Some((stop, task)) = self.running.take() {
            drop(stop);
            let _ = task.await;
        }
    }

    /// The server's data.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("server")
    }

    /// A folder for things of the test.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The server's address, as users write it.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The clock of server and devices.
    pub fn clock(&self) -> Arc<ManualClock> {
        Arc::clone(&self.clock)
    }
}

/// Everything comes from one address here, and faster than people type.
fn unlimited(settings: &mut Settings) {
    settings.entries_per_second = 0;
    settings.requests_per_second = 0;
    settings.attempts_per_minute = 0;
    settings.recovery_tries_per_minute = 0;
    settings.sweep_interval_ms = 50;
}
