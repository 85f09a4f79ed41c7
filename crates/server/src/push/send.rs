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
use super::vapid::Vapid;
use super::wakes::After;
use super::{PAYLOAD, Wakes};
use crate::app::App;
use crate::log_id::LogId;

/// Longer than this no push waits for its push service: it is given up, and the next entry makes a new one.
const LONGEST_WAIT: Duration = Duration::from_mins(10);

/// A newer push of this server takes the place of one that the device did not get yet (RFC 8030 section 5.4).
const TOPIC: &str = "diario";

/// What became of one attempt.
enum Attempt {
    Sent,
    /// The push service knows the subscription no more.
    Gone,
    /// Trying again would change nothing.
    Hopeless(String),
    /// Again later, and not before this time.
    Later(Option<Duration>, String),
}

struct Sender {
    app: Arc<App>,
    vapid: Arc<Vapid>,
    client: Client,
    permits: Arc<Semaphore>,
}

/// Wakes devices from the queue until it is dropped; what is under way ends with it.
pub(crate) async fn run(app: Arc<App>, vapid: Arc<Vapid>, mut queue: mpsc::Receiver<DeviceRef>) {
    let settings = &app.settings;
    let timeout = Duration::from_secs(settings.push_timeout_s.max(1));
    let Some(client) = Client::new(settings.push_allow_local, timeout) else {
        tracing::error!("pushes cannot be sent: TLS cannot be set up");
        return;
    };
    let permits = Arc::new(Semaphore::new(settings.push_concurrency.max(1)));
    let sender = Arc::new(Sender { app, vapid, client, permits });
    let mut tasks = JoinSet::new();
    loop {
        let Ok(permit) = Arc::clone(&sender.permits).acquire_owned().await else { return };
        let Some(device) = queue.recv().await else { return };
        while tasks.try_join_next().is_some() {}
        tasks.spawn(wake(Arc::clone(&sender), device, permit));
    }
}

/// Wakes one device, as often as there is reason to, until it may rest.
async fn wake(sender: Arc<Sender>, device: DeviceRef, permit: OwnedSemaphorePermit) {
    let mut permit = Some(permit);
    let rest = Duration::from_secs(sender.app.settings.push_min_interval_s);
    loop {
        sender.send(device, permit.take()).await;
        match sender.wakes().sent(device) {
            After::Nothing => return,
            After::Again => {}
            After::Rest(ticket) => {
                tokio::time::sleep(rest).await;
                if !sender.wakes().rested(device, ticket) {
                    return;
                }
            }
        }
    }
}

impl Sender {
    fn wakes(&self) -> &Wakes {
        self.app.hub.wakes()
    }

    /// Sends one push, with as many attempts as it takes and the settings allow.
    async fn send(&self, device: DeviceRef, mut permit: Option<OwnedSemaphorePermit>) {
        let (settings, metrics) = (&self.app.settings, &self.app.metrics);
        let mut backoff = Duration::from_millis(settings.push_retry_ms);
        for left in (0..settings.push_attempts.max(1)).rev() {
            let held = match permit.take() {
                Some(permit) => permit,
                None => match Arc::clone(&self.permits).acquire_owned().await {
                    Ok(permit) => permit,
                    Err(_) => return,
                },
            };
            let now = self.app.clock.now();
            // Revoked, expired, or taken back since.
            let Ok(Some(subscription)) = self.app.storage.push(device, now).await else {
                metrics.web_pushes_dropped.fetch_add(1, Relaxed);
                return;
            };
            let (wait, why) = match self.attempt(&subscription, now).await {
                Attempt::Sent => {
                    metrics.web_pushes_sent.fetch_add(1, Relaxed);
                    return;
                }
                Attempt::Gone => {
                    metrics.web_push_subscriptions_gone.fetch_add(1, Relaxed);
                    let _ = self.app.storage.drop_push(device, subscription.endpoint).await;
                    return;
                }
                Attempt::Hopeless(why) => (None, why),
                Attempt::Later(after, why) => {
                    let wait = after.unwrap_or_default().max(backoff);
                    backoff = backoff.saturating_mul(4).min(LONGEST_WAIT);
                    ((left > 0 && wait <= LONGEST_WAIT).then_some(wait), why)
                }
            };
            drop(held);
            let Some(wait) = wait else {
                metrics.web_pushes_failed.fetch_add(1, Relaxed);
                tracing::warn!(device = %LogId::of(device), why, "a device could not be woken");
                return;
            };
            tracing::debug!(device = %LogId::of(device), why, ?wait, "a push is tried again later");
            tokio::time::sleep(wait).await;
            if !self.wakes().is_wanted(device) {
                return;
            }
        }
    }

    async fn attempt(&self, subscription: &PushSubscription, now: Timestamp) -> Attempt {
        let settings = &self.app.settings;
        let Some(endpoint) = Endpoint::parse(&subscription.endpoint, settings.push_allow_local) else {
            return Attempt::Hopeless("its push service has an address that pushes do not go to".into());
        };
        let Some(request) = request(&endpoint, subscription, &self.vapid, settings.push_ttl_s, now) else {
            return Attempt::Hopeless("nothing can be encrypted to its key".into());
        };
        match self.client.send(&endpoint, request).await {
            Ok(said) => judge(&said),
            Err(NoAnswer::Local) => Attempt::Hopeless(NoAnswer::Local.to_string()),
            Err(NoAnswer::Failed(why)) => Attempt::Later(None, why),
        }
    }
}

/// What an answer means (RFC 8030 sections 5 and 7.3).
fn judge(said: &Said) -> Attempt {
    let why = || format!("the push service answered {}", said.status);
    match said.status {
        status if status.is_success() => Attempt::Sent,
        StatusCode::NOT_FOUND | StatusCode::GONE => Attempt::Gone,
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
