//! What Diario must reach, and what other servers reached: both from `shared/peers.md` of the project.
//!
//! The peers' figures were measured elsewhere, on a machine of the same kind, and are quoted as they stand there.

use serde::Serialize;

/// A limit for a figure.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Bar {
    /// The limit.
    pub(crate) limit: f64,
    /// Whether the figure may not exceed it, rather than fall below it.
    pub(crate) at_most: bool,
}

impl Bar {
    const fn at_most(limit: f64) -> Self {
        Self { limit, at_most: true }
    }

    const fn at_least(limit: f64) -> Self {
        Self { limit, at_most: false }
    }

    pub(crate) fn is_met(&self, value: f64) -> bool {
        if self.at_most { value <= self.limit } else { value >= self.limit }
    }
}

pub(crate) const NONE_LOST: Bar = Bar::at_most(0.0);

pub(crate) const S1_RATE: Bar = Bar::at_least(10_000.0);
pub(crate) const S1_RATE_PEERS: &str =
    "ejabberd+pg 902-1,015; prosody 537-600; Synapse 48-53; JetStream 18,000-20,500";
pub(crate) const S1_CPU: Bar = Bar::at_most(0.13);
pub(crate) const S1_CPU_PEERS: &str =
    "ejabberd+pg 1.34-1.65; prosody 1.66-1.84; Synapse 19-21; JetStream 0.054-0.064";

pub(crate) const S2_SINGLE_P50: Bar = Bar::at_most(1.0);
pub(crate) const S2_SINGLE_PEERS: &str =
    "ejabberd+pg 1.9-2.2; prosody 0.95-1.2; Synapse 60-65; JetStream 0.15-0.18";
pub(crate) const S2_RATE_P50: Bar = Bar::at_most(1.2);
pub(crate) const S2_RATE_P99: Bar = Bar::at_most(3.0);
pub(crate) const S2_RATE_PEERS: &str = "ejabberd+pg 3.6-4.0; prosody 1.5; JetStream 0.5";

/// Devices for which [`S3_MEMORY`] is the bar.
pub(crate) const S3_DEVICES: usize = 10_000;
pub(crate) const S3_MEMORY: Bar = Bar::at_most(8.0);
pub(crate) const S3_MEMORY_PEERS: &str =
    "ejabberd+pg 320-333; Synapse 82; prosody 47; NATS 23; mosquitto 0.9";
pub(crate) const S3_LOGIN: Bar = Bar::at_most(0.5);
pub(crate) const S3_LOGIN_PEERS: &str = "prosody 10.6; ejabberd 17-23";

/// Missed messages for which [`S4_TIME`] is the bar.
pub(crate) const S4_MESSAGES: usize = 10_000;
pub(crate) const S4_TIME: Bar = Bar::at_most(1.3);
pub(crate) const S4_TIME_PEERS: &str = "ejabberd 1.35-1.5; prosody-sqlite 12; Synapse 1.5-2.1 for 5,000";
pub(crate) const S4_BYTES: Bar = Bar::at_most(200.0);
pub(crate) const S4_BYTES_PEERS: &str = "ejabberd 861; prosody 688; Synapse 611";

/// The first conversations that a new device shows, and all of them, up to so many.
pub(crate) const S5_SCREEN: Bar = Bar::at_most(60.0);
pub(crate) const S5_SCREEN_BYTES: Bar = Bar::at_most(24.0);
pub(crate) const S5_SCREEN_PEERS: &str = "Synapse sliding sync 65-128 ms, 23 KB";
pub(crate) const S5_CONVERSATIONS: usize = 1_000;
pub(crate) const S5_ALL: Bar = Bar::at_most(1.0);
pub(crate) const S5_ALL_BYTES: Bar = Bar::at_most(512.0);
pub(crate) const S5_ALL_PEERS: &str =
    "of 200 conversations: Synapse 0.58-0.89 s, 229 KB; ejabberd 0.21-0.30 s, 222 KB";

/// Microseconds of the server for each member of a conversation in which something is sent.
pub(crate) const MEMBER: Bar = Bar::at_most(5.0);

pub(crate) const OPEN: Bar = Bar::at_most(100.0);

pub(crate) const SEARCH: Bar = Bar::at_most(50.0);
