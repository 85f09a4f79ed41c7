//! Taking devices out of the queue and waking them.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use diario_protocol::{DeviceRef, PushSubscription, Timestamp};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinSet;
use web_push_native::{Auth, p256};

use super::client::{Client, NoAnswer, Said};
use super::endpoint::Endpoint;
use super::lanes::Lanes;
use super::vapid::Vapid;
use super::wakes::{After, Patience, Round};
use super::{PAYLOAD, Wakes};
use crate::app::App;
use crate::log_id::LogId;

/// Longer than this no push waits for its push service: it is given up, and the device rests.
const LONGEST_WAIT: Duration = Duration::from_mins(10);

/// A newer push of this server takes the place of one that the device did not get yet (RFC 8030 section 5.4).
const TOPIC: &str = "diario";

/// What became of one attempt.
pub(super) enum Attempt {
    Sent,
    /// The push service knows the subscription of this address no more.
    Gone(String),
    /// Nobody wants it any more, or too many wait for the push service.
    Dropped,
    /// Trying again would change nothing.
    Hopeless(String),
    /// Again later, and not before this time.
    Later(Option<Duration>, String),
}

struct Sender {
    app: Arc<App>,
    vapid: Arc<Vapid>,
    client: Client,
    lanes: Lanes,
}

/// Wakes devices from the queue until it is dropped; what is under way ends with it.
pub(crate) async fn run(app: Arc<App>, vapid: Arc<Vapid>, mut queue: mpsc::Receiver<DeviceRef>) {
    let settings = &app.settings;
    let timeout = Duration::from_secs(settings.push_timeout_s.max(1));
    let Some(client) = Client::new(settings.push_allow_local, timeout) else {
        tracing::error!("pushes cannot be sent: TLS cannot be set up");
        return;
    };
    // Devices that were taken out of the queue and not tried yet. More than lanes: those of a slow push service wait,
    // and the others overtake them.
    let places = Arc::new(Semaphore::new(settings.push_waiting.clamp(1, Semaphore::MAX_PERMITS)));
    let lanes = Lanes::new(settings.push_concurrency, settings.push_waiting);
    let sender = Arc::new(Sender { app, vapid, client, lanes });
    let mut tasks = JoinSet::new();
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let Some(device) = queue.recv().await else { return };
        while tasks.try_join_next().is_some() {}
        tasks.spawn(wake(Arc::clone(&sender), device, place));
    }
}

/// Wakes one device, as often as there is reason to, until it may rest.
async fn wake(sender: Arc<Sender>, device: DeviceRef, place: OwnedSemaphorePermit) {
    let mut place = Some(place);
    let settings = &sender.app.settings;
    let patience = Patience {
        rest: Duration::from_secs(settings.push_min_interval_s),
        give_up: Duration::from_secs(settings.push_give_up_s),
    };
    loop {
        let round = sender.send(device, place.take()).await;
        match sender.wakes().ended(device, round, &patience) {
            After::Nothing => return,
            After::Again => {}
            After::Rest(ticket, rest) => {
                tokio::time::sleep(rest).await;
                if !sender.wakes().rested(device, ticket) {
                    return;
                }
            }
            After::GiveUp => return sender.give_up(device).await,
        }
    }
}

impl Sender {
    fn wakes(&self) -> &Wakes {
        self.app.hub.wakes()
    }

    /// Sends one push, with as many attempts as it takes and the settings allow.
    async fn send(&self, device: DeviceRef, mut place: Option<OwnedSemaphorePermit>) -> Round {
        let (settings, metrics) = (&self.app.settings, &self.app.metrics);
        let mut backoff = Duration::from_millis(settings.push_retry_ms);
        for left in (0..settings.push_attempts.max(1)).rev() {
            let attempt = self.attempt(device).await;
            // Only the first attempt was waited for in order.
            place.take();
            let (again, after, why) = match attempt {
                Attempt::Sent => {
                    metrics.web_pushes_sent.fetch_add(1, Relaxed);
                    return Round::Sent;
                }
                Attempt::Gone(endpoint) => {
                    metrics.web_push_subscriptions_gone.fetch_add(1, Relaxed);
                    let _ = self.app.storage.drop_push(device, endpoint).await;
                    return Round::Skipped;
                }
                Attempt::Dropped => {
                    metrics.web_pushes_dropped.fetch_add(1, Relaxed);
                    return Round::Skipped;
                }
                Attempt::Hopeless(why) => (false, Duration::ZERO, why),
                Attempt::Later(after, why) => (true, after.unwrap_or_default(), why),
            };
            let wait = after.max(backoff);
            if !again || left == 0 || wait > LONGEST_WAIT {
                metrics.web_pushes_failed.fetch_add(1, Relaxed);
                tracing::warn!(device = %LogId::of(device), why, "a device could not be woken");
                return Round::Failed { again, after };
            }
            backoff = backoff.saturating_mul(4).min(LONGEST_WAIT);
            tracing::debug!(device = %LogId::of(device), why, ?wait, "a push is tried again later");
            tokio::time::sleep(wait).await;
            if !self.wakes().is_wanted(device) {
                return Round::Skipped;
            }
        }
        Round::Skipped
    }

    /// For days its push service took nothing: nobody waits for it any more.
    async fn give_up(&self, device: DeviceRef) {
        if let Ok(Some(subscription)) = self.app.storage.push(device, self.app.clock.now()).await {
            self.app.metrics.web_push_subscriptions_gone.fetch_add(1, Relaxed);
            tracing::warn!(device = %LogId::of(device), "a push subscription that fails for long is dropped");
            let _ = self.app.storage.drop_push(device, subscription.endpoint).await;
        }
    }

    /// Where the device is to be woken; `None` if it is revoked or expired, or has taken that back.
    async fn subscription(&self, device: DeviceRef) -> Option<PushSubscription> {
        self.app.storage.push(device, self.app.clock.now()).await.ok().flatten()
    }

    async fn attempt(&self, device: DeviceRef) -> Attempt {
        let Some(known) = self.subscription(device).await else { return Attempt::Dropped };
        let Some(endpoint) = Endpoint::parse(&known.endpoint, self.app.settings.push_allow_local) else {
            return Attempt::Hopeless("its push service has an address that pushes do not go to".into());
        };
        let Some(_lane) = self.lanes.enter(&endpoint.host).await else { return Attempt::Dropped };
        // It may have waited for long.
        match self.subscription(device).await {
            Some(now) if now.endpoint == known.endpoint => self.post(&endpoint, &now).await,
            Some(_) => Attempt::Later(None, "its subscription has changed".into()),
            None => Attempt::Dropped,
        }
    }

    async fn post(&self, endpoint: &Endpoint, subscription: &PushSubscription) -> Attempt {
        let (settings, now) = (&self.app.settings, self.app.clock.now());
        let Some(request) = request(endpoint, subscription, &self.vapid, settings.push_ttl_s, now) else {
            return Attempt::Hopeless("nothing can be encrypted to its key".into());
        };
        match self.client.send(endpoint, request).await {
            Ok(said) => judge(&said, subscription),
            Err(NoAnswer::Local) => Attempt::Hopeless(NoAnswer::Local.to_string()),
            Err(NoAnswer::Failed(why)) => Attempt::Later(None, why),
        }
    }
}

/// What an answer means (RFC 8030 sections 5 and 7.3).
pub(super) fn judge(said: &Said, subscription: &PushSubscription) -> Attempt {
    let why = || format!("the push service answered {}", said.status);
    match said.status {
        status if status.is_success() => Attempt::Sent,
        StatusCode::NOT_FOUND | StatusCode::GONE => Attempt::Gone(subscription.endpoint.clone()),
        StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT => {
            Attempt::Later(said.retry_after, why())
        }
        status if status.is_server_error() => Attempt::Later(said.retry_after, why()),
        _ => Attempt::Hopeless(why()),
    }
}

/// The whole request; `None` if the subscription's key is none.
fn request(
    endpoint: &Endpoint,
    subscription: &PushSubscription,
    vapid: &Vapid,
    ttl_s: u64,
    now: Timestamp,
) -> Option<Request<Body>> {
    let key = p256::PublicKey::from_sec1_bytes(&subscription.p256dh).ok()?;
    let auth: [u8; PushSubscription::AUTH] = subscription.auth.as_ref().try_into().ok()?;
    let body = web_push_native::encrypt(PAYLOAD.to_vec(), &key, &Auth::from(auth)).ok()?;
    Request::post(&endpoint.path)
        .header(header::HOST, endpoint.authority())
        .header(header::AUTHORIZATION, vapid.authorization(&endpoint.origin, now))
        .header(header::CONTENT_ENCODING, "aes128gcm")
        .header(header::CONTENT_TYPE, "application/octet-stream")
        .header(header::CONTENT_LENGTH, body.len())
        .header(header::CONNECTION, "close")
        .header("ttl", ttl_s)
        .header("urgency", "high")
        .header("topic", TOPIC)
        .body(Body::from(body))
        .ok()
}
