//! The server in a process of its own.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result};
use diario_server::{Server, Settings};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Runs a server as in production, but without limits of rates and addresses: everything here comes from one.
///
/// It ends with its standard input, so that none is left behind when the benchmark is killed.
pub(crate) async fn serve(data: &Path, cache_mib: Option<u32>) -> Result<()> {
    let mut settings = Settings {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        data_dir: data.to_owned(),
        attempts_per_minute: 0,
        entries_per_second: 0,
        requests_per_second: 0,
        max_mailboxes_per_address: usize::MAX,
        ..Settings::default()
    };
    settings.cache_mib = cache_mib.unwrap_or(settings.cache_mib);
    let server = Server::bind(settings).await?;
    println!("{}", server.local_addr());
    std::io::stdout().flush()?;
    let (ended, end) = tokio::sync::oneshot::channel::<()>();
    std::thread::spawn(move || {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        drop(ended);
    });
    server.serve(async { drop(end.await) }).await;
    Ok(())
}

/// A running server; it is killed when this is dropped.
pub(crate) struct ServerProcess {
    child: Child,
    address: SocketAddr,
}

impl ServerProcess {
    /// Starts one over the data in a folder.
    pub(crate) fn start(data: &Path) -> Result<Self> {
        Self::start_with(data, &[])
    }

    /// The same, with little of the database kept in memory, so that all of that is soon in use.
    pub(crate) fn start_with_small_cache(data: &Path) -> Result<Self> {
        Self::start_with(data, &["--cache-mib", "1"])
    }

    fn start_with(data: &Path, more: &[&str]) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("server").arg("--data").arg(data).args(more);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn()?;
        let mut line = String::new();
        if let Some(out) = child.stdout.take() {
            BufReader::new(out).read_line(&mut line)?;
        }
        let address = line.trim().parse().context("the server did not say where it listens")?;
        Ok(Self { child, address })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its address as users write it.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Its counters.
    pub(crate) async fn metrics(&self) -> Result<Metrics> {
        let mut stream = TcpStream::connect(self.address).await?;
        stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await?;
        let mut text = String::new();
        stream.read_to_string(&mut text).await?;
        let values = text.lines().filter_map(|line| {
            let (name, value) = line.rsplit_once(' ')?;
            Some((name.to_owned(), value.parse().ok()?))
        });
        Ok(Metrics(values.collect()))
    }

    /// Ends it in good order, so that its data can be served again.
    pub(crate) fn stop(mut self) -> Result<()> {
        drop(self.child.stdin.take());
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        // It may have ended; its data go with the folder.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Counters at one moment.
pub(crate) struct Metrics(HashMap<String, f64>);

impl Metrics {
    /// How much a counter grew since an earlier moment.
    pub(crate) fn since(&self, earlier: &Self, name: &str) -> f64 {
        let value = |metrics: &Self| metrics.0.get(name).copied().unwrap_or(0.0);
        value(self) - value(earlier)
    }
}
