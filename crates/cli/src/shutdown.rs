//! The signals that end a process.

use std::future::Future;

/// Waits for an interruption (Ctrl-C) or, on Unix, a request to terminate; listens from the call on.
#[cfg(unix)]
pub(crate) fn requested() -> impl Future<Output = ()> {
    use tokio::signal::unix::{SignalKind, signal};
    let listening = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
    async move {
        let (Ok(mut interrupt), Ok(mut terminate)) = listening else {
            // Nothing can be heard: the system's own way of ending a process stays.
            return std::future::pending().await;
        };
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    }
}

/// Waits for an interruption (Ctrl-C).
#[cfg(not(unix))]
pub(crate) fn requested() -> impl Future<Output = ()> {
    async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
