//! Counters in Prometheus' text format.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use diario_protocol::Refusal;

/// Upper bounds of the fsync histogram's buckets, in microseconds.
const FSYNC_BOUNDS: [u64; 8] = [100, 250, 500, 1_000, 2_500, 5_000, 25_000, 100_000];

macro_rules! metrics {
    ($($(#[doc = $doc:literal])* $kind:ident $name:ident;)*) => {
        /// The server's counters and gauges.
        #[derive(Debug, Default)]
        pub(crate) struct Metrics {
            $($(#[doc = $doc])* pub(crate) $name: AtomicU64,)*
            refusals: [AtomicU64; REFUSALS.len()],
            fsync: [AtomicU64; FSYNC_BOUNDS.len() + 1],
            fsync_us: AtomicU64,
        }

        impl Metrics {
            fn simple(&self, out: &mut String) {
                $(
                    let kind = stringify!($kind);
                    let suffix = if kind == "counter" { "_total" } else { "" };
                    let name = concat!("diario_", stringify!($name));
                    let help = [$($doc),*].concat();
                    let _ = writeln!(out, "# HELP {name}{suffix}{help}\n# TYPE {name}{suffix} {kind}");
                    let _ = writeln!(out, "{name}{suffix} {}", self.$name.load(Relaxed));
                )*
            }
        }
    };
}

metrics! {
    /// Connections open.
    gauge connections;
    /// Connections open that have not logged in.
    gauge connections_unauthenticated;
    /// Connections taken.
    counter accepted;
    /// Connections refused because too many were open.
    counter turned_away;
    /// Logins that succeeded.
    counter logins;
    /// Accounts made.
    counter registrations;
    /// Accounts recovered.
    counter recoveries;
    /// Entries put into logs, without commits.
    counter appends;
    /// Commits taken.
    counter commits;
    /// Slots written.
    counter slots_written;
    /// Signals passed on.
    counter signals;
    /// Frames that were no frames; each closed its connection.
    counter bad_frames;
    /// Bytes of frames read.
    counter bytes_in;
    /// Bytes of frames written.
    counter bytes_out;
    /// Changes pushed live to connections.
    counter changes_pushed;
    /// Web Push: devices that can be woken.
    gauge web_push_subscriptions;
    /// Web Push: taken by the push service.
    counter web_pushes_sent;
    /// Web Push: given up.
    counter web_pushes_failed;
    /// Web Push: not sent, because too many waited or nobody wanted it any more.
    counter web_pushes_dropped;
    /// Web Push: subscriptions that the push service knows no more.
    counter web_push_subscriptions_gone;
    /// Times that a connection fell back to reading from disk.
    counter lagged;
    /// Times that a device was kept waiting by its rate limit.
    counter rate_delays;
    /// Transactions of the writer.
    counter batches;
    /// Writes in those transactions.
    counter batch_jobs;
    /// Transactions that failed.
    counter batches_failed;
    /// Bodies of entries that were dropped, since they are no longer to be kept.
    counter bodies_erased;
    /// Writes that wait for the writer.
    gauge writer_queue;
}

/// Names of the refusals, in the order of [`refusal_index`].
const REFUSALS: [&str; 24] = [
    "stale_epoch",
    "roster_stale",
    "not_member",
    "not_found",
    "name_taken",
    "registration_closed",
    "invite_needed",
    "too_large",
    "too_many",
    "rate_limited",
    "bad_signature",
    "device_revoked",
    "device_expired",
    "wrong_state",
    "invalid",
    "invalid_commit",
    "exists",
    "old_device_list",
    "mailbox_gone",
    "before_start",
    "storage_unavailable",
    "draining",
    "wrong_recovery_key",
    "device_limit",
];

fn refusal_index(refusal: &Refusal) -> usize {
    match refusal {
        Refusal::StaleEpoch(_) => 0,
        Refusal::RosterStale => 1,
        Refusal::NotMember => 2,
        Refusal::NotFound(_) => 3,
        Refusal::NameTaken => 4,
        Refusal::RegistrationClosed => 5,
        Refusal::InviteNeeded => 6,
        Refusal::TooLarge(_) => 7,
        Refusal::TooMany(..) => 8,
        Refusal::RateLimited(_) => 9,
        Refusal::BadSignature => 10,
        Refusal::DeviceRevoked => 11,
        Refusal::DeviceExpired => 12,
        Refusal::WrongState(_) => 13,
        Refusal::Invalid(_) => 14,
        Refusal::InvalidCommit(_) => 15,
        Refusal::Exists => 16,
        Refusal::OldDeviceList(_) => 17,
        Refusal::MailboxGone => 18,
        Refusal::BeforeStart(_) => 19,
        Refusal::StorageUnavailable => 20,
        Refusal::Draining => 21,
        Refusal::WrongRecoveryKey => 22,
        Refusal::DeviceLimit(_) => 23,
    }
}

impl Metrics {
    /// Counts a refusal by its kind.
    pub(crate) fn refused(&self, refusal: &Refusal) {
        self.refusals[refusal_index(refusal)].fetch_add(1, Relaxed);
    }

    /// Counts the time of one commit to disk.
    pub(crate) fn synced(&self, took: Duration) {
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let bucket = FSYNC_BOUNDS.iter().position(|bound| us <= *bound).unwrap_or(FSYNC_BOUNDS.len());
        self.fsync[bucket].fetch_add(1, Relaxed);
        self.fsync_us.fetch_add(us, Relaxed);
    }

    /// All of them as text.
    pub(crate) fn render(&self) -> String {
        let mut out = String::with_capacity(4096);
        self.simple(&mut out);
        out.push_str(
            "# HELP diario_refusals_total Requests refused.\n# TYPE diario_refusals_total counter\n",
        );
        for (name, count) in REFUSALS.iter().zip(&self.refusals) {
            let _ = writeln!(out, "diario_refusals_total{{kind=\"{name}\"}} {}", count.load(Relaxed));
        }
        out.push_str("# HELP diario_fsync_seconds Time to commit a transaction to disk.\n");
        out.push_str("# TYPE diario_fsync_seconds histogram\n");
        let mut sum = 0;
        for (i, count) in self.fsync.iter().enumerate() {
            sum += count.load(Relaxed);
            let bound = FSYNC_BOUNDS.get(i).map_or("+Inf".to_owned(), |us| seconds(*us));
            let _ = writeln!(out, "diario_fsync_seconds_bucket{{le=\"{bound}\"}} {sum}");
        }
        let total = seconds(self.fsync_us.load(Relaxed));
        let _ = writeln!(out, "diario_fsync_seconds_sum {total}\ndiario_fsync_seconds_count {sum}");
        out
    }
}

fn seconds(us: u64) -> String {
    format!("{}.{:06}", us / 1_000_000, us % 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_has_each_metric_with_help_and_type() {
        let metrics = Metrics::default();
        metrics.appends.fetch_add(3, Relaxed);
        metrics.refused(&Refusal::RosterStale);
        metrics.synced(Duration::from_micros(300));
        let text = metrics.render();
        for line in [
            "# TYPE diario_appends_total counter",
            "diario_appends_total 3",
            "diario_refusals_total{kind=\"roster_stale\"} 1",
            "diario_fsync_seconds_bucket{le=\"0.000250\"} 0",
            "diario_fsync_seconds_bucket{le=\"0.000500\"} 1",
            "diario_fsync_seconds_bucket{le=\"+Inf\"} 1",
            "diario_fsync_seconds_sum 0.000300",
        ] {
            assert!(text.lines().any(|l| l == line), "{line} is missing in\n{text}");
        }
    }
}
