//! The way from the hub to one connection: a bounded queue that costs nothing while it is empty.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use diario_protocol::{Notice, Position};
use futures_util::task::AtomicWaker;

/// Live changes of one account, encoded once for all its devices.
#[derive(Debug, Clone)]
pub(crate) struct Push {
    /// Position of the first change.
    pub(crate) first: Position,
    /// Position of the last; there are no gaps between them.
    pub(crate) last: Position,
    /// The whole frame.
    pub(crate) frame: Bytes,
}

/// How much may wait for one connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// Pushes.
    pub(crate) pushes: usize,
    /// Bytes of pushes.
    pub(crate) push_bytes: usize,
    /// Signals and mailbox messages.
    pub(crate) signals: usize,
}

/// The hub's end of a connection.
#[derive(Debug)]
pub(crate) struct Link {
    bounds: Bounds,
    queue: Mutex<Queue>,
    waker: AtomicWaker,
}

#[derive(Debug, Default)]
struct Queue {
    subscribed: bool,
    lagged: bool,
    push_bytes: usize,
    pushes: VecDeque<Push>,
    signals: VecDeque<Bytes>,
    close: Option<Notice>,
}

/// What waited for a connection.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    /// Live changes, in order.
    pub(crate) pushes: VecDeque<Push>,
    /// Changes were dropped since: read from storage.
    pub(crate) lagged: bool,
    /// Frames that are not kept.
    pub(crate) signals: VecDeque<Bytes>,
    /// Close the connection, and say why.
    pub(crate) close: Option<Notice>,
}

impl Link {
    pub(crate) fn new(bounds: Bounds) -> Self {
        Self { bounds, queue: Mutex::default(), waker: AtomicWaker::new() }
    }

    /// Lets live changes in, from now on.
    pub(crate) fn subscribe(&self) {
        self.queue().subscribed = true;
    }

    /// Whether live changes are wanted.
    pub(crate) fn is_subscribed(&self) -> bool {
        let queue = self.queue();
        queue.subscribed && queue.close.is_none()
    }

    /// Puts live changes; if too many wait, all are dropped and the connection catches up by itself.
    pub(crate) fn push(&self, push: &Push) {
        {
            let mut queue = self.queue();
            if !queue.subscribed || queue.lagged || queue.close.is_some() {
                return;
            }
            let bytes = queue.push_bytes + push.frame.len();
            if queue.pushes.len() >= self.bounds.pushes || bytes > self.bounds.push_bytes {
                queue.pushes = VecDeque::new();
                queue.push_bytes = 0;
                queue.lagged = true;
            } else {
                queue.push_bytes = bytes;
                queue.pushes.push_back(push.clone());
            }
        }
        self.waker.wake();
    }

    /// Puts a frame that is dropped if too many wait.
    pub(crate) fn signal(&self, frame: Bytes) {
        {
            let mut queue = self.queue();
            if queue.signals.len() >= self.bounds.signals || queue.close.is_some() {
                return;
            }
            queue.signals.push_back(frame);
        }
        self.waker.wake();
    }

    /// Ends the connection. Nothing that waits is delivered any more.
    pub(crate) fn close(&self, notice: Notice) {
        {
            let mut queue = self.queue();
            if queue.close.is_none() {
                *queue = Queue { close: Some(notice), ..Queue::default() };
            }
        }
        self.waker.wake();
    }

    /// Ready when something waits; live changes count only if `live`.
    pub(crate) fn poll_ready(&self, cx: &mut Context<'_>, live: bool) -> Poll<()> {
        if self.has_waiting(live) {
            return Poll::Ready(());
        }
        self.waker.register(cx.waker());
        // Again, for what came between the look and the registration.
        if self.has_waiting(live) { Poll::Ready(()) } else { Poll::Pending }
    }

    fn has_waiting(&self, live: bool) -> bool {
        let queue = self.queue();
        queue.close.is_some()
            || !queue.signals.is_empty()
            || (live && (queue.lagged || !queue.pushes.is_empty()))
    }

    /// Takes what waits; live changes only if `live`, else they stay.
    pub(crate) fn take(&self, live: bool) -> Waiting {
        let mut queue = self.queue();
        let signals = std::mem::take(&mut queue.signals);
        let close = queue.close;
        if !live {
            return Waiting { signals, close, ..Waiting::default() };
        }
        queue.push_bytes = 0;
        let (pushes, lagged) = (std::mem::take(&mut queue.pushes), std::mem::take(&mut queue.lagged));
        Waiting { pushes, lagged, signals, close }
    }

    /// A panic while it was held left a queue that is whole: each change to it is one assignment or call.
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push(n: u64) -> Push {
        Push { first: Position(n), last: Position(n), frame: Bytes::from_static(b"12345678") }
    }

    fn link() -> Link {
        Link::new(Bounds { pushes: 3, push_bytes: 20, signals: 1 })
    }

    #[test]
    fn a_full_queue_is_emptied_and_the_connection_told() {
        let link = link();
        link.push(&push(1));
        link.subscribe();
        link.push(&push(2));
        link.push(&push(3));
        assert_eq!(link.take(true).pushes.len(), 2, "only what came after the subscription");
        for n in 4..9 {
            link.push(&push(n));
        }
        let waiting = link.take(true);
        assert!(waiting.lagged && waiting.pushes.is_empty());
        link.push(&push(9));
        assert_eq!(link.take(true).pushes.len(), 1, "and goes on");
    }

    #[test]
    fn nothing_is_delivered_after_a_close() {
        let link = link();
        link.subscribe();
        link.push(&push(1));
        link.signal(Bytes::from_static(b"x"));
        link.close(Notice::Revoked);
        link.close(Notice::Expired);
        link.push(&push(2));
        let waiting = link.take(true);
        assert!(waiting.pushes.is_empty() && waiting.signals.is_empty());
        assert_eq!(waiting.close, Some(Notice::Revoked));
    }
}
