//! Waking devices that are not connected, by Web Push (RFC 8030, 8291, 8292).
//!
//! [`Wakes`] knows which devices can be woken and decides when; the hub tells it what is committed. A device to be
//! woken goes into a bounded queue, so nothing that is being stored waits for this. [`run`] takes it out and posts to
//! the device's push service, which learns that there is something, and nothing of what it is.

mod address;
mod client;
mod endpoint;
#[cfg(any(test, feature = "fuzz"))]
pub(crate) mod fuzz;
mod lanes;
mod send;
mod vapid;
mod wakes;

use diario_protocol::{PushSubscription, Refusal};
use web_push_native::p256;

use self::address::is_global;
pub(crate) use self::endpoint::Endpoint;
pub(crate) use self::send::run;
pub(crate) use self::vapid::Vapid;
pub(crate) use self::wakes::Wakes;

/// What every push says, to everybody: the length of a message tells nothing either.
const PAYLOAD: &[u8; 64] = b"{\"v\":1}                                                         ";

/// Checks what a device says about where it is to be woken.
pub(crate) fn check(subscription: &PushSubscription, allow_local: bool) -> Result<(), Refusal> {
    subscription.check()?;
    let Some(endpoint) = Endpoint::parse(&subscription.endpoint, allow_local) else {
        return Err(Refusal::Invalid(
            "the address of a push service is an https URL with the usual port".into(),
        ));
    };
    // Names are looked up when a push is sent, each time.
    if !allow_local && endpoint.host.parse().is_ok_and(|address| !is_global(address)) {
        return Err(Refusal::Invalid("the address of a push service is one of the open internet's".into()));
    }
    if p256::PublicKey::from_sec1_bytes(&subscription.p256dh).is_err() {
        return Err(Refusal::Invalid("the key of a push subscription is no point of P-256".into()));
    }
    Ok(())
}
