//! The diary's stream: first what was missed, from storage; then what happens, from the hub.
//!
//! `sent` is the last position that the connection was sent. A push is forwarded only if it follows it without a
//! gap; otherwise, or when the queue overflowed, the stream reads from storage after `sent` again.

use std::collections::VecDeque;
use std::task::{Context, Poll};

use diario_protocol::limits::PAGE_BYTES;
use diario_protocol::{Change, Changes, Position, Refusal, Reply, RequestId, ServerFrame};
use futures_util::FutureExt as _;

use super::{End, Session};
use crate::link::Push;
use crate::storage::Answer;

/// What a read from storage gave.
pub(super) type Page = Result<(Vec<Change>, bool), Refusal>;

/// Where a connection is in its account's diary.
pub(super) struct Stream {
    sent: Position,
    /// A read from storage under way; none means that the stream is live.
    reading: Option<Answer<(Vec<Change>, bool)>>,
    /// The request that is answered with the first page.
    subscribe: Option<RequestId>,
}

impl Stream {
    pub(super) fn is_live(&self) -> bool {
        self.reading.is_none()
    }

    /// Ready when a page was read.
    pub(super) fn poll_page(&mut self, cx: &mut Context<'_>) -> Poll<Page> {
        let Some(reading) = &mut self.reading else { return Poll::Pending };
        let page = futures_util::ready!(reading.poll_unpin(cx));
        self.reading = None;
        Poll::Ready(page)
    }
}

impl Session {
    /// Begins to stream what comes after `position`.
    pub(super) fn subscribe(&mut self, id: RequestId, position: Position) {
        self.link.subscribe();
        self.stream = Some(Box::new(Stream { sent: position, reading: None, subscribe: Some(id) }));
        self.read_on();
    }

    fn read_on(&mut self) {
        let (Some(me), Some(stream)) = (self.me(), &mut self.stream) else { return };
        stream.reading = Some(self.app.storage.changes_after(me.device.account, stream.sent, PAGE_BYTES));
    }

    /// Sends a page that was read.
    pub(super) async fn page(&mut self, page: Page) -> Result<(), End> {
        let Some(stream) = &mut self.stream else { return Ok(()) };
        let subscribe = stream.subscribe.take();
        let (items, live) = match (page, subscribe) {
            (Ok(page), None) => page,
            (Ok(page), Some(id)) => {
                self.send(&ServerFrame::Reply(id, Reply::Done)).await?;
                page
            }
            (Err(refusal), Some(id)) => {
                self.stream = None;
                return self.refuse(id, refusal).await;
            }
            // Storage fails in the middle of the stream: the device connects again and goes on from its cursor.
            (Err(_), None) => return Err(End::Broken(1011, "the diary cannot be read")),
        };
        if let (Some(stream), Some(last)) = (&mut self.stream, items.last()) {
            stream.sent = last.position;
        }
        self.send(&ServerFrame::Changes(Changes { items, live })).await?;
        if !live {
            self.read_on();
        }
        Ok(())
    }

    /// Sends live changes that follow what was sent.
    pub(super) async fn forward(&mut self, pushes: VecDeque<Push>, lagged: bool) -> Result<(), End> {
        let mut gap = lagged;
        for push in pushes {
            let Some(stream) = &mut self.stream else { return Ok(()) };
            if push.last <= stream.sent {
                continue;
            }
            if push.first != stream.sent.next() {
                gap = true;
                break;
            }
            stream.sent = push.last;
            self.feed(push.frame).await?;
        }
        if gap {
            self.app.metrics.lagged.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            self.read_on();
        }
        Ok(())
    }
}
