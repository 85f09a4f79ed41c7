//! Whatever a push service answers: see `crate::fuzz`.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use diario_protocol::{AccountId, ConversationId, DeviceId, DeviceRef, PushSubscription};
use tokio::io::AsyncWriteExt as _;
use tokio::runtime::{Builder, Runtime};

use super::Wakes;
use super::client::{NoAnswer, Said, exchange};
use super::send::{Attempt, judge};
use super::wakes::{After, Patience, Round};

/// Bytes on their way in either direction: more than a request has.
const PIPE: usize = 4096;
const PATIENCE: Patience = Patience { rest: Duration::from_secs(30), give_up: Duration::from_hours(72) };

/// Bytes of a connection that ends after them; the first byte says how many of them come at a time, 0 all at once.
///
/// An answer is one of four things, a subscription goes only with its own, and however long the push service wants to be
/// left alone, the device's turn comes again.
pub(crate) fn answer(bytes: &[u8]) -> bool {
    thread_local! {
        static RUNTIME: RefCell<Runtime> =
            RefCell::new(Builder::new_current_thread().build().expect("a runtime without sockets"));
    }
    let Some((at_once, bytes)) = bytes.split_first() else { return false };
    let at_once = if *at_once == 0 { bytes.len().max(1) } else { usize::from(*at_once) };
    let Ok(said) = RUNTIME.with_borrow(|runtime| runtime.block_on(hear(bytes, at_once))) else {
        return false;
    };
    let subscription = PushSubscription {
        endpoint: "https://push.example/send/abc".into(),
        p256dh: vec![4; PushSubscription::P256DH].into(),
        auth: vec![5; PushSubscription::AUTH].into(),
        silent: Vec::new(),
    };
    let status = said.status.as_u16();
    let round = match judge(&said, &subscription) {
        Attempt::Sent => {
            assert!((200..300).contains(&status));
            Round::Sent
        }
        Attempt::Gone(endpoint) => {
            assert!(matches!(status, 404 | 410) && endpoint == subscription.endpoint);
            Round::Skipped
        }
        Attempt::Later(after, why) => {
            assert!(matches!(status, 408 | 429 | 500..600) && after == said.retry_after && !why.is_empty());
            Round::Failed { again: true, after: after.unwrap_or_default() }
        }
        Attempt::Hopeless(why) => {
            assert!(!matches!(status, 200..300 | 500..600) && !why.is_empty());
            Round::Failed { again: false, after: Duration::ZERO }
        }
        Attempt::Dropped => panic!("an answer came, so somebody asked"),
    };
    comes_again(round);
    true
}

/// What is read of a connection.
async fn hear(bytes: &[u8], at_once: usize) -> Result<Said, NoAnswer> {
    let (ours, mut theirs) = tokio::io::duplex(PIPE);
    let request = Request::post("/send/abc").header("host", "push.example").body(Body::from("push"));
    let asked = exchange(ours, request.expect("a request"));
    let told = async {
        for part in bytes.chunks(at_once) {
            // Whoever has heard enough goes.
            if theirs.write_all(part).await.is_err() {
                return;
            }
            tokio::task::yield_now().await;
        }
        drop(theirs);
    };
    tokio::join!(asked, told).0
}

/// A device whose push ended like that is woken again, at the latest after the longest rest.
fn comes_again(round: Round) {
    let device = DeviceRef { account: AccountId::new([1; 16]), device: DeviceId::new([2; 16]) };
    let (wakes, mut queue) = Wakes::new(1, Arc::default());
    wakes.put(device, Some(Vec::new()));
    let entry = || wakes.awaken().entry(device.account, ConversationId::new([3; 16]), |_| false);
    entry();
    assert_eq!(queue.try_recv(), Ok(device));
    match wakes.ended(device, round, &PATIENCE) {
        After::Rest(ticket, rest) => {
            assert!(rest >= PATIENCE.rest && rest <= Duration::from_hours(6), "{rest:?}");
            entry();
            assert!(wakes.rested(device, ticket), "for what came since");
        }
        other => panic!("{other:?}"),
    }
}
