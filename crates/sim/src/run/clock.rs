//! Time of a run: tokio's, which stands still while anybody has something to do.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use diario_protocol::Timestamp;
use tokio::time::Instant;

/// When every run begins: 2026-01-01, in milliseconds since 1970.
pub(crate) const BEGIN_MS: u64 = 1_767_225_600_000;

/// The true time, and the server's idea of it.
#[derive(Debug)]
pub(crate) struct VirtualClock {
    begin: Instant,
    /// How far the server's clock is ahead, in milliseconds.
    server_ahead: AtomicI64,
}

impl VirtualClock {
    /// A clock that begins now.
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { begin: Instant::now(), server_ahead: AtomicI64::new(0) })
    }

    /// Milliseconds since the run began.
    pub(crate) fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.begin.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// What a clock shows that is so far ahead, in milliseconds.
    pub(crate) fn ahead(&self, ms: i64) -> Timestamp {
        Timestamp((BEGIN_MS + self.elapsed_ms()).saturating_add_signed(ms))
    }

    /// Sets the server's clock.
    pub(crate) fn set_server_ahead(&self, ms: i64) {
        self.server_ahead.store(ms, Ordering::Relaxed);
    }
}

impl diario_server::Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        self.ahead(self.server_ahead.load(Ordering::Relaxed))
    }
}
