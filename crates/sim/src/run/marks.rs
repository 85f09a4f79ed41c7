//! Rare paths, and how often a run came through them.

use std::collections::BTreeMap;

/// Every path that is counted.
pub const ALL: &[&str] = &[
    "a chat was imported",
    "a clock jumped",
    "a commit lost its race",
    "a commit under an old roster or list was refused",
    "a conversation was left by its member",
    "a device list lost its race",
    "a device was linked",
    "a device was promoted",
    "a device was rebuilt",
    "a device was recovered from nothing",
    "a device was revoked",
    "a device went back to an old copy of its store",
    "a device's disk was full",
    "a device's time ran out",
    "a device's power was cut",
    "a device's power was cut before what it said was on disk",
    "a frame came twice",
    "a frame overtook another",
    "a frame was lost",
    "a linking failed",
    "a linking failed half-way and a later one succeeded",
    "a member was removed",
    "a message that failed was sent again",
    "a message was dropped before it was sent",
    "a part of a log was fetched",
    "an entry in an old epoch was refused",
    "an entry under an old roster was refused",
    "an external commit",
    "something waited for a slow reader",
    "what the server does not keep was missed",
    "a welcome was used",
    "the server was killed",
    "the server was killed inside a transaction",
    "the server's clock jumped",
    "the server's disk was full",
];

/// Counts by name.
#[derive(Debug, Clone, Default)]
pub struct Marks(BTreeMap<&'static str, u64>);

impl Marks {
    /// Counts one.
    pub(crate) fn hit(&mut self, mark: &'static str) {
        debug_assert!(ALL.contains(&mark), "{mark} is not in the list");
        *self.0.entry(mark).or_default() += 1;
    }

    /// Adds those of another run.
    pub fn add(&mut self, other: &Self) {
        for (mark, n) in &other.0 {
            *self.0.entry(mark).or_default() += n;
        }
    }

    /// How often each was hit, zeros too, by name.
    pub fn counts(&self) -> impl Iterator<Item = (&'static str, u64)> {
        ALL.iter().map(|mark| (*mark, self.0.get(mark).copied().unwrap_or(0)))
    }

    /// Those never hit.
    pub fn missing(&self) -> Vec<&'static str> {
        self.counts().filter(|(_, n)| *n == 0).map(|(mark, _)| mark).collect()
    }
}
