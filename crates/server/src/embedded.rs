//! The server inside another program: no thread, no port, no time but that of the runtime.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::AbortHandle;

use crate::app::App;
use crate::clock::Clock;
use crate::config::Settings;
use crate::http::{self, Peer};
use crate::server::{StartError, connection, open_app, sweep};
use crate::storage::Threads;

/// A server whose connections the caller brings, for simulations.
///
/// On a runtime of one thread all that it does is in an order that is the same at every run; with tokio's paused time
/// it is as fast as the processor. It sends no pushes. Dropped, it stops like one that was killed: what it answered is
/// on disk, and nothing more is done.
pub struct EmbeddedServer {
    app: Arc<App>,
    router: Router,
    sweeper: AbortHandle,
}

impl EmbeddedServer {
    /// Opens the database of `settings`, whose address is not used. A transaction takes `commit_time`.
    ///
    /// # Errors
    /// The same as those of [`crate::Server::bind`], without a taken address.
    pub async fn open(
        mut settings: Settings,
        clock: Arc<dyn Clock>,
        commit_time: std::time::Duration,
    ) -> Result<Self, StartError> {
        settings.push_enabled = false;
        let (app, _) = open_app(settings, clock, Threads::None(commit_time)).await?;
        let router = http::router(Arc::clone(&app));
        let sweeper = tokio::spawn(sweep(Arc::clone(&app))).abort_handle();
        Ok(Self { app, router, sweeper })
    }

    /// Takes a connection in: a stream of bytes on which the other end speaks HTTP.
    pub fn connect(&self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, from: IpAddr) {
        tokio::spawn(connection(stream, Peer(from), Arc::clone(&self.app), self.router.clone()));
    }

    /// The figures of `/metrics`, in Prometheus' text format.
    pub fn metrics(&self) -> String {
        self.app.metrics.render()
    }
}

impl Drop for EmbeddedServer {
    fn drop(&mut self) {
        self.sweeper.abort();
    }
}
