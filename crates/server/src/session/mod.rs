//! One connection, from its upgrade to its end.
//!
//! The loop in [`Session::run`] takes whatever comes first: a frame, the answer to an earlier one, something from
//! the hub, a page of the diary, the time. Requests run side by side, at most `max_in_flight` of them, and what
//! changes the same log is done in the order in which it came. While nothing is ready, everything is flushed.

mod accounts;
mod conversations;
mod mailboxes;
mod recovery;
mod requests;
mod stream;

use std::future::poll_fn;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use bytes::Bytes;
use diario_protocol::{
    ClientFrame, DeviceRef, Hello, MailboxId, Nonce, Notice, PROTOCOL_VERSION, Position, Refusal, Reply,
    Request, RequestId, ServerFrame,
};
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::time::{Instant, Sleep, sleep_until};

use self::stream::Stream;
use crate::app::{App, Counted};
use crate::link::{Bounds, Link};
use crate::log_id::LogId;
use crate::rate::Bucket;
use crate::rules::roster::Leaf;

/// Frames fed after which the socket is flushed even if more is ready.
const FLUSH_AFTER: u32 = 64;

/// What a finished request leads to.
enum Done {
    /// An answer.
    Reply(Reply),
    /// No answer.
    Silent,
    /// The connection is this device's now.
    LoggedIn(Leaf, Reply),
    /// The connection has opened a vault.
    Opened(recovery::Opened, Reply),
    /// The connection is one side of a mailbox now; `true` is the approver.
    Mailbox(MailboxId, bool),
    /// It no longer is.
    MailboxClosed(MailboxId),
}

/// A request under way.
type Work = BoxFuture<'static, Result<Done, Refusal>>;
type Pending = BoxFuture<'static, (RequestId, Result<Done, Refusal>)>;

/// Why a connection ends.
#[derive(Debug, PartialEq, Eq)]
enum End {
    /// The device is gone, or takes nothing any more.
    Gone,
    /// The device broke the protocol: code and reason of the WebSocket close (RFC 6455 section 7.4).
    Broken(u16, &'static str),
    /// The server says so.
    Told(Notice),
}

/// Requests of one device, counted.
struct Buckets {
    entries: Bucket,
    others: Bucket,
}

/// Who a connection is.
enum State {
    /// Nobody yet.
    AwaitingLogin,
    /// A device, until the connection ends.
    Ready(Box<Ready>),
}

struct Ready {
    me: Leaf,
    buckets: Buckets,
}

/// One connection.
pub(crate) struct Session {
    _counted: Counted,
    app: Arc<App>,
    socket: WebSocket,
    address: IpAddr,
    link: Arc<Link>,
    number: u64,
    nonce: Nonce,
    state: State,
    /// Login or registration is under way.
    logging_in: bool,
    pending: FuturesUnordered<Pending>,
    stream: Option<Box<Stream>>,
    mailboxes: Vec<(MailboxId, bool)>,
    /// Before login: the vault that was opened last.
    opened: Option<Box<recovery::Opened>>,
    timer: Pin<Box<Sleep>>,
    next_ping: Instant,
    last_heard: Instant,
    /// When the device said something of its own: pongs come from its browser or a proxy, and a farewell from whoever
    /// closes the connection, and none of them shows that the device got what was sent before.
    last_said: Instant,
    /// Before login: when the connection is closed.
    login_deadline: Instant,
    /// Over its rate: nothing is read until then.
    read_after: Option<Instant>,
    /// Frames fed since the last flush.
    unflushed: u32,
}

/// What came first.
enum Turn {
    Frame(Option<Result<Message, axum::Error>>),
    Finished(RequestId, Result<Done, Refusal>),
    Hub,
    Page(stream::Page),
    Time,
    Idle,
}

/// Serves one connection to its end.
///
/// What a connection does only now and then is boxed: an idle one keeps no room for it.
pub(crate) async fn serve(mut session: Box<Session>) {
    let end = session.run().await;
    Box::pin(session.finish(end)).await;
}

impl Session {
    /// Takes a connection in; `None` if the system gives no random bytes.
    pub(crate) fn new(app: &Arc<App>, socket: WebSocket, address: IpAddr) -> Option<Box<Self>> {
        let mut nonce = [0; 32];
        getrandom::fill(&mut nonce).ok()?;
        let settings = &app.settings;
        let bounds = Bounds {
            pushes: settings.push_queue,
            push_bytes: settings.push_queue_bytes,
            signals: settings.signal_queue,
        };
        let link = Arc::new(Link::new(bounds));
        let number = app.hub.connect(&link);
        let now = Instant::now();
        let next_ping = now + Duration::from_secs(settings.ping_interval_s.max(1));
        let login_deadline = now + Duration::from_secs(settings.login_timeout_s);
        app.metrics.connections.fetch_add(1, Relaxed);
        app.metrics.connections_unauthenticated.fetch_add(1, Relaxed);
        app.unauthenticated.fetch_add(1, Relaxed);
        if app.draining.load(SeqCst) {
            link.close(Notice::Draining(settings.drain_retry_ms));
        }
        Some(Box::new(Self {
            _counted: Counted::new(app, |app| &app.sessions),
            app: Arc::clone(app),
            socket,
            address,
            link,
            number,
            nonce: Nonce::new(nonce),
            state: State::AwaitingLogin,
            logging_in: false,
            pending: FuturesUnordered::new(),
            stream: None,
            mailboxes: Vec::new(),
            opened: None,
            timer: Box::pin(sleep_until(next_ping.min(login_deadline))),
            next_ping,
            last_heard: now,
            last_said: now,
            login_deadline,
            read_after: None,
            unflushed: 0,
        }))
    }

    async fn run(&mut self) -> End {
        let hello = Hello {
            protocol: PROTOCOL_VERSION,
            server: self.app.storage.server_id(),
            nonce: self.nonce,
            now: self.app.clock.now(),
            limits: self.app.settings.limits(),
        };
        if let Err(end) = Box::pin(self.send(&ServerFrame::Hello(hello))).await {
            return end;
        }
        loop {
            let turn = if self.unflushed >= FLUSH_AFTER { Turn::Idle } else { self.turn().await };
            if let Err(end) = Box::pin(self.take(turn)).await {
                return end;
            }
        }
    }

    /// Waits for whatever comes first; [`Turn::Idle`] if nothing is there and something is to be flushed.
    async fn turn(&mut self) -> Turn {
        let reads =
            self.read_after.is_none() && self.pending.len() < usize::from(self.app.settings.max_in_flight);
        let live = self.stream.as_ref().is_some_and(|s| s.is_live());
        let Self { socket, pending, link, stream, timer, unflushed, .. } = self;
        // Answers before pushes before new work: what was asked first is finished first.
        tokio::select! {
            biased;
            Some((id, result)) = pending.next(), if !pending.is_empty() => Turn::Finished(id, result),
            page = poll_fn(|cx| stream.as_mut().map_or(std::task::Poll::Pending, |s| s.poll_page(cx))) => Turn::Page(page),
            () = poll_fn(|cx| link.poll_ready(cx, live)) => Turn::Hub,
            () = timer.as_mut() => Turn::Time,
            frame = socket.next(), if reads => Turn::Frame(frame),
            () = std::future::ready(()), if *unflushed > 0 => Turn::Idle,
        }
    }

    async fn take(&mut self, turn: Turn) -> Result<(), End> {
        match turn {
            Turn::Finished(id, result) => self.finished(id, result).await,
            Turn::Frame(frame) => self.frame(frame).await,
            Turn::Hub => self.hub().await,
            Turn::Page(page) => self.page(page).await,
            Turn::Time => self.time().await,
            Turn::Idle => self.flush().await,
        }
    }

    async fn frame(&mut self, frame: Option<Result<Message, axum::Error>>) -> Result<(), End> {
        // An end without farewell says nothing about what arrived.
        if matches!(frame, Some(Ok(_))) {
            self.last_heard = Instant::now();
        }
        let bytes = match frame {
            Some(Ok(Message::Binary(bytes))) => {
                self.last_said = self.last_heard;
                bytes
            }
            Some(Ok(Message::Text(_))) => return self.broken(1003, "frames are binary"),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {
                // The answer to a ping is written by the flush.
                self.unflushed += 1;
                return Ok(());
            }
            Some(Ok(Message::Close(_))) | None => return Err(End::Gone),
            // Too long, not masked, or cut off. The socket answers what can be answered.
            Some(Err(_)) => return self.broken(1002, "not a WebSocket message, or too long"),
        };
        self.app.metrics.bytes_in.fetch_add(bytes.len() as u64, Relaxed);
        let settings = &self.app.settings;
        let limit = match self.state {
            State::Ready(_) => settings.max_frame_bytes,
            State::AwaitingLogin => settings.max_unauthenticated_frame_bytes.min(settings.max_frame_bytes),
        };
        let Ok(frame) = diario_protocol::decode::<ClientFrame>(&bytes, limit as usize) else {
            return self.broken(1008, "not a frame of this protocol, or too long");
        };
        drop(bytes);
        self.request(frame).await
    }

    async fn request(&mut self, frame: ClientFrame) -> Result<(), End> {
        let ClientFrame { id, request } = frame;
        if let State::Ready(ready) = &mut self.state {
            let bucket = match request {
                Request::Append(_)
                | Request::Commit(_)
                | Request::PutSlots(_)
                | Request::Create(_)
                | Request::PutPush(_)
                | Request::SetRetention(..)
                | Request::PutVault(_)
                | Request::PutDeviceList(_) => &mut ready.buckets.entries,
                _ => &mut ready.buckets.others,
            };
            if let Some(wait) = bucket.owe(Instant::now()) {
                self.app.metrics.rate_delays.fetch_add(1, Relaxed);
                self.read_after = Some(Instant::now() + wait);
                self.set_timer();
            }
        }
        match self.dispatch(id, request) {
            Ok(Some(work)) => {
                self.pending.push(Box::pin(async move { (id, work.await) }));
                Ok(())
            }
            Ok(None) => Ok(()),
            Err(refusal) => self.refuse(id, refusal).await,
        }
    }

    async fn finished(&mut self, id: RequestId, result: Result<Done, Refusal>) -> Result<(), End> {
        match result {
            Ok(Done::Reply(reply)) => self.send(&ServerFrame::Reply(id, reply)).await,
            Ok(Done::Silent) => Ok(()),
            Ok(Done::LoggedIn(me, reply)) => {
                self.logged_in(me);
                self.send(&ServerFrame::Reply(id, reply)).await
            }
            Ok(Done::Opened(opened, reply)) => {
                self.opened = Some(Box::new(opened));
                // People decide which devices stay.
                let patience = Duration::from_secs(self.app.settings.mailbox_lifetime_s);
                self.login_deadline = self.login_deadline.max(Instant::now() + patience);
                self.set_timer();
                self.send(&ServerFrame::Reply(id, reply)).await
            }
            Ok(Done::Mailbox(mailbox, approver)) => {
                self.mailboxes.push((mailbox, approver));
                // A candidate waits for its approver as long as the mailbox lives.
                let lifetime = Duration::from_secs(self.app.settings.mailbox_lifetime_s);
                self.login_deadline = self.login_deadline.max(Instant::now() + lifetime);
                self.set_timer();
                self.send(&ServerFrame::Reply(id, Reply::Done)).await
            }
            Ok(Done::MailboxClosed(mailbox)) => {
                self.forget_mailbox(mailbox);
                self.send(&ServerFrame::Reply(id, Reply::Done)).await
            }
            Err(refusal) => {
                self.logging_in = false;
                self.refuse(id, refusal).await
            }
        }
    }

    fn logged_in(&mut self, me: Leaf) {
        self.opened = None;
        let (settings, now) = (&self.app.settings, Instant::now());
        let bucket = |rate: u32, burst: u32| Bucket::new(rate.into(), burst.into(), now);
        let buckets = Buckets {
            entries: bucket(settings.entries_per_second, settings.entries_burst),
            others: bucket(settings.requests_per_second, settings.requests_burst),
        };
        self.state = State::Ready(Box::new(Ready { me, buckets }));
        self.app.metrics.logins.fetch_add(1, Relaxed);
        self.app.metrics.connections_unauthenticated.fetch_sub(1, Relaxed);
        self.app.unauthenticated.fetch_sub(1, Relaxed);
        tracing::debug!(device = %LogId::of(me.device), "logged in");
        self.set_timer();
    }

    async fn hub(&mut self) -> Result<(), End> {
        let live = self.stream.as_ref().is_some_and(|s| s.is_live());
        let waiting = self.link.take(live);
        if let Some(notice) = waiting.close {
            return Err(End::Told(notice));
        }
        for frame in waiting.signals {
            self.feed(frame).await?;
        }
        if live {
            self.forward(waiting.pushes, waiting.lagged).await?;
        }
        Ok(())
    }

    async fn time(&mut self) -> Result<(), End> {
        let now = Instant::now();
        if self.read_after.is_some_and(|at| at <= now) {
            self.read_after = None;
        }
        if matches!(self.state, State::AwaitingLogin) && self.login_deadline <= now {
            return Err(End::Broken(1008, "no login in time"));
        }
        if self.next_ping <= now {
            let interval = Duration::from_secs(self.app.settings.ping_interval_s.max(1));
            if now.duration_since(self.last_heard) > interval * self.app.settings.ping_misses {
                return Err(End::Gone);
            }
            self.next_ping = now + interval;
            self.feed_message(Message::Ping(Bytes::new())).await?;
        }
        self.set_timer();
        Ok(())
    }

    /// Sets the timer to whatever is due next.
    fn set_timer(&mut self) {
        let mut next = self.next_ping;
        if matches!(self.state, State::AwaitingLogin) {
            next = next.min(self.login_deadline);
        }
        if let Some(at) = self.read_after {
            next = next.min(at);
        }
        self.timer.as_mut().reset(next);
    }

    async fn refuse(&mut self, id: RequestId, refusal: Refusal) -> Result<(), End> {
        self.app.metrics.refused(&refusal);
        self.send(&ServerFrame::Refused(id, refusal)).await
    }

    async fn send(&mut self, frame: &ServerFrame) -> Result<(), End> {
        self.feed(diario_protocol::encode(frame).into()).await
    }

    async fn feed(&mut self, frame: Bytes) -> Result<(), End> {
        self.app.metrics.bytes_out.fetch_add(frame.len() as u64, Relaxed);
        self.feed_message(Message::Binary(frame)).await
    }

    /// Puts a frame into the socket's buffer. Waits where a slow device has not yet taken what is there.
    async fn feed_message(&mut self, message: Message) -> Result<(), End> {
        self.unflushed += 1;
        let limit = self.app.settings.write_timeout();
        match tokio::time::timeout(limit, self.socket.feed(message)).await {
            Ok(Ok(())) => Ok(()),
            _ => Err(End::Gone),
        }
    }

    async fn flush(&mut self) -> Result<(), End> {
        self.unflushed = 0;
        match tokio::time::timeout(self.app.settings.write_timeout(), self.socket.flush()).await {
            Ok(Ok(())) => Ok(()),
            _ => Err(End::Gone),
        }
    }

    fn broken(&self, code: u16, reason: &'static str) -> Result<(), End> {
        self.app.metrics.bad_frames.fetch_add(1, Relaxed);
        Err(End::Broken(code, reason))
    }

    fn me(&self) -> Option<Leaf> {
        match &self.state {
            State::Ready(ready) => Some(ready.me),
            State::AwaitingLogin => None,
        }
    }

    /// Says why, closes, and takes the connection out of everything.
    async fn finish(&mut self, end: End) {
        if let End::Told(Notice::Draining(_)) = end {
            // What was read is done and answered; nothing more is read.
            while let Some((id, result)) = self.pending.next().await {
                if self.finished(id, result).await.is_err() {
                    break;
                }
            }
        }
        self.detach().await;
        let close = match &end {
            End::Gone => None,
            End::Broken(code, reason) => Some(CloseFrame { code: *code, reason: (*reason).into() }),
            End::Told(notice) => {
                let (code, reason) = match notice {
                    Notice::Draining(_) => (1001, "the server stops"),
                    Notice::Revoked => (1008, "the device was revoked"),
                    Notice::Expired => (1008, "the device has expired"),
                    Notice::Replaced => (1008, "the device is connected elsewhere"),
                };
                let _ = self.send(&ServerFrame::Notice(*notice)).await;
                Some(CloseFrame { code, reason: reason.into() })
            }
        };
        if close.is_some() {
            let farewell = async {
                let _ = self.socket.send(Message::Close(close)).await;
                // Until the other side has closed too: else what was sent may be lost with the connection.
                while let Some(Ok(_)) = self.socket.next().await {}
            };
            let _ = tokio::time::timeout(Duration::from_secs(1), farewell).await;
        }
    }

    async fn detach(&mut self) {
        let app = Arc::clone(&self.app);
        app.hub.disconnect(self.number);
        app.metrics.connections.fetch_sub(1, Relaxed);
        while let Some((mailbox, approver)) = self.mailboxes.first().copied() {
            let _ = app.storage.close_mailbox(mailbox).await;
            app.hub.lost_side(mailbox, approver);
            self.forget_mailbox(mailbox);
        }
        if let Some(Leaf { device, .. }) = self.me() {
            if app.hub.log_out(device, &self.link) {
                app.hub.wakes().lost(device, self.last_said.into_std());
                self.note_seen(device);
            }
        } else {
            app.metrics.connections_unauthenticated.fetch_sub(1, Relaxed);
            app.unauthenticated.fetch_sub(1, Relaxed);
        }
    }

    /// What a device asks for it does not have, whatever it said before: its store may be an older copy.
    fn note_lacks(&self, position: Position) {
        if let Some(Leaf { device, .. }) = self.me() {
            let noted = self.app.storage.lacks(device, position);
            tokio::spawn(async move {
                let _ = noted.await;
            });
        }
    }

    /// Nobody waits for this: it is worth having, not worth a delay.
    fn note_seen(&self, device: DeviceRef) {
        let noted = self.app.storage.seen(device, self.app.clock.now());
        tokio::spawn(async move {
            let _ = noted.await;
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size_of_future<F, A, Fut>(_: F) -> usize
    where
        F: FnOnce(A) -> Fut,
        Fut: Future,
    {
        size_of::<Fut>()
    }

    #[test]
    fn an_idle_connection_is_small() {
        // An idle device should cost 8 KiB in all, of which the read buffer takes 2.
        let (task, session) = (size_of_future(serve), size_of::<Session>());
        assert!(task + session <= 1536, "the task of a connection has {task} bytes, its session {session}");
    }
}
