//! What a seed means: who takes part, what they do, and how bad the network is.

use std::time::Duration;

use diario_engine::{EngineConfig, Fill};
use diario_server::Settings;

use crate::Random;

pub(super) const DAY_MS: u64 = 24 * 60 * 60 * 1000;
/// One in so many is more than people do in a run.
const HARDLY_EVER: usize = 1_000;

/// The shape of one run. All of it follows from the seed.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Accounts, 2 to 4.
    pub people: usize,
    /// Things that people do.
    pub operations: usize,
    /// The mean time between two of them, in milliseconds.
    pub pause_ms: u64,
    /// One operation in so many is followed by hours or days of nothing.
    pub long_pause_one_in: usize,
    /// The least and the most that a frame takes, in milliseconds.
    pub latency_ms: (u64, u64),
    /// A fault happens after one operation in so many.
    pub fault_one_in: usize,
    /// Connections can be wild: frames are lost, doubled, or overtake others.
    pub wild: bool,
    /// On a wild connection one frame in so many comes to harm.
    pub wild_one_in: usize,
    /// How long a transaction of the server takes.
    pub commit_time: Duration,
    /// Settings of every device.
    pub config: EngineConfig,
    /// Pages of the server's queue for a slow reader.
    pub push_queue: usize,
}

impl Plan {
    /// The shape that a seed gives, with so many operations, or as many as the seed says.
    pub fn new(random: &mut Random, operations: Option<usize>) -> Self {
        let near = random.one_in(2);
        let config = EngineConfig {
            epoch_entries: [6, 20, 10_000][random.below(3)],
            key_packages: [1, 3, 20][random.below(3)],
            platform: "a simulation".into(),
            fill: Fill::Always,
            // With the shorter one a device that is off for a long pause runs out.
            link_validity_ms: [14, 14, 3][random.below(3)] * DAY_MS,
            ..EngineConfig::default()
        };
        Self {
            people: 2 + random.below(3),
            operations: operations.unwrap_or(60 + random.below(120)),
            pause_ms: [20, 200, 2_000][random.below(3)],
            long_pause_one_in: [20, 60, HARDLY_EVER][random.below(3)],
            latency_ms: if near { (0, 5) } else { (10, 400) },
            fault_one_in: [3, 6, 15][random.below(3)],
            wild: random.one_in(2),
            wild_one_in: [12, 40, 200][random.below(3)],
            commit_time: Duration::from_millis([0, 1, 30][random.below(3)]),
            config,
            push_queue: [1, 4, 1_000][random.below(3)],
        }
    }

    /// The same for a race of two operations: two people, and nothing that breaks by itself.
    pub(crate) fn of_pair(random: &mut Random) -> Self {
        Self { people: 2, wild: false, latency_ms: (5, 20), push_queue: 1_000, ..Self::new(random, Some(0)) }
    }

    /// Whether days go by between the things that people do.
    pub(crate) fn days_pass(&self) -> bool {
        self.long_pause_one_in < HARDLY_EVER
    }

    /// The longest that a frame takes.
    pub(crate) fn latency(&self) -> Duration {
        Duration::from_millis(self.latency_ms.1)
    }

    /// Settings of the server.
    pub(crate) fn settings(&self, data: std::path::PathBuf) -> Settings {
        let mut settings = Settings { data_dir: data, ..Settings::default() };
        // All people come from few addresses here, and do in minutes what takes people weeks.
        settings.entries_per_second = 0;
        settings.requests_per_second = 0;
        settings.attempts_per_minute = 0;
        settings.recovery_tries_per_minute = 0;
        settings.readers = 1;
        settings.push_queue = self.push_queue;
        settings.checkpoint_pages = 200;
        settings
    }
}
