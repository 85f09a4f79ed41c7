//! How it stands with the server, in the few ways that people tell apart.

use diario_web_api::{Connection, Status};

/// What the status line says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// There is nothing to be connected for.
    Idle,
    /// Connected and up to date.
    Connected,
    /// Connected and up to date, with so many messages on their way out.
    Sending(u64),
    /// Connected; what was missed comes in.
    Updating,
    /// A connection is being made.
    Connecting,
    /// There is none; the next try is in so many seconds.
    Reconnecting(u64),
    /// There is no network.
    Offline,
}

/// What to say of a status at this time.
pub fn standing(status: &Status, now: u64) -> Standing {
    match status.connection {
        Connection::Idle => Standing::Idle,
        Connection::Live if status.waiting > 0 => Standing::Sending(status.waiting),
        Connection::Live => Standing::Connected,
        Connection::CatchingUp => Standing::Updating,
        Connection::Connecting => Standing::Connecting,
        Connection::NoNetwork => Standing::Offline,
        Connection::Waiting { until } => match until.0.saturating_sub(now).div_ceil(1_000) {
            0 => Standing::Connecting,
            seconds => Standing::Reconnecting(seconds),
        },
    }
}

impl Standing {
    /// Whether the server is out of reach.
    pub fn is_cut_off(self) -> bool {
        matches!(self, Self::Connecting | Self::Reconnecting(_) | Self::Offline)
    }
}

#[cfg(test)]
mod tests {
    use diario_protocol::Timestamp;

    use super::*;

    #[test]
    fn seconds_count_down_to_the_try() {
        let at = |now| {
            let connection = Connection::Waiting { until: Timestamp(10_000) };
            standing(&Status { connection, waiting: 0 }, now)
        };
        assert_eq!(at(7_000), Standing::Reconnecting(3));
        assert_eq!(at(7_001), Standing::Reconnecting(3));
        assert_eq!(at(9_999), Standing::Reconnecting(1));
        assert_eq!(at(10_000), Standing::Connecting);
        assert_eq!(at(99_000), Standing::Connecting);
    }

    #[test]
    fn connected_is_said_only_when_nothing_waits() {
        let live = |waiting| standing(&Status { connection: Connection::Live, waiting }, 0);
        assert_eq!([live(0), live(2)], [Standing::Connected, Standing::Sending(2)]);
        assert!(!live(2).is_cut_off() && Standing::Offline.is_cut_off());
    }
}
