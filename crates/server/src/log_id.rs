//! Ids in logs: enough to follow one connection, not enough to know whose it is.

use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::{BuildHasher, Hash};
use std::sync::OnceLock;

/// Four hexadecimal digits of a hash under a key that dies with the process.
pub(crate) struct LogId(u16);

impl LogId {
    pub(crate) fn of(id: impl Hash) -> Self {
        static KEY: OnceLock<RandomState> = OnceLock::new();
        let [a, b, ..] = KEY.get_or_init(RandomState::new).hash_one(id).to_le_bytes();
        // Four digits are the point: many ids share them.
        Self(u16::from_le_bytes([a, b]))
    }
}

impl fmt::Display for LogId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_shows_as_four_digits_and_always_the_same() {
        let id = diario_protocol::AccountId::new([7; 16]);
        let shown = LogId::of(id).to_string();
        assert_eq!((shown.len(), &shown), (4, &LogId::of(id).to_string()));
    }
}
