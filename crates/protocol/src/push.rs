//! Waking a device by Web Push (RFC 8030, 8291, 8292).

use minicbor::{Decode, Encode};

use crate::limits::{PUSH_ENDPOINT, PUSH_SILENT};
use crate::{Bin, ConversationId, Refusal};

/// Where and how the server wakes a device that is not connected.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct PushSubscription {
    /// The push service's URL for this device; at most [`PUSH_ENDPOINT`] bytes.
    #[n(0)]
    pub endpoint: String,
    /// The device's P-256 point (RFC 8291), uncompressed: [`Self::P256DH`] bytes.
    #[n(1)]
    pub p256dh: Bin,
    /// The secret shared with the device (RFC 8291): [`Self::AUTH`] bytes.
    #[n(2)]
    pub auth: Bin,
    /// Conversations whose entries do not wake the device; at most [`PUSH_SILENT`].
    #[n(3)]
    pub silent: Vec<ConversationId>,
}

impl PushSubscription {
    /// Bytes of [`Self::p256dh`].
    pub const P256DH: usize = 65;
    /// Bytes of [`Self::auth`].
    pub const AUTH: usize = 16;

    /// Checks every length. Whether the point is on the curve and the URL is one, the server finds out.
    pub fn check(&self) -> Result<(), Refusal> {
        if self.endpoint.is_empty() {
            return Err(Refusal::Invalid("a push subscription has an address".into()));
        }
        if self.endpoint.len() > PUSH_ENDPOINT {
            return Err(Refusal::TooLarge(PUSH_ENDPOINT as u64));
        }
        if self.silent.len() > PUSH_SILENT {
            return Err(Refusal::TooMany("silent conversations".into(), PUSH_SILENT as u64));
        }
        // 4 begins an uncompressed point (SEC 1 section 2.3.3).
        if self.p256dh.len() != Self::P256DH || self.p256dh.first() != Some(&4) {
            return Err(Refusal::Invalid("a push key is an uncompressed point of P-256, 65 bytes".into()));
        }
        if self.auth.len() != Self::AUTH {
            return Err(Refusal::Invalid("the secret of a push subscription has 16 bytes".into()));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> PushSubscription {
        let mut point = vec![7; PushSubscription::P256DH];
        point[0] = 4;
        PushSubscription {
            endpoint: "h".repeat(PUSH_ENDPOINT),
            p256dh: point.into(),
            auth: vec![1; PushSubscription::AUTH].into(),
            silent: vec![ConversationId::new([1; 16]); PUSH_SILENT],
        }
    }

    #[test]
    fn what_is_as_long_as_it_may_be_is_taken() {
        assert_eq!(good().check(), Ok(()));
    }

    #[test]
    fn every_length_has_a_bound() {
        let endpoint = PushSubscription { endpoint: "h".repeat(PUSH_ENDPOINT + 1), ..good() };
        assert!(matches!(endpoint.check(), Err(Refusal::TooLarge(_))));
        let none = PushSubscription { endpoint: String::new(), ..good() };
        assert!(matches!(none.check(), Err(Refusal::Invalid(_))));
        let silent = vec![ConversationId::new([1; 16]); PUSH_SILENT + 1];
        let silent = PushSubscription { silent, ..good() };
        assert!(matches!(silent.check(), Err(Refusal::TooMany(..))));
        for p256dh in [vec![], vec![4; 64], vec![4; 66], vec![2; 65]] {
            let subscription = PushSubscription { p256dh: p256dh.into(), ..good() };
            assert!(matches!(subscription.check(), Err(Refusal::Invalid(_))));
        }
        for auth in [vec![], vec![1; 15], vec![1; 17]] {
            let subscription = PushSubscription { auth: auth.into(), ..good() };
            assert!(matches!(subscription.check(), Err(Refusal::Invalid(_))));
        }
    }
}
