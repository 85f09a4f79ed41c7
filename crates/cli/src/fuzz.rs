//! What the fuzz target of this crate does with an input; see `diario_protocol::fuzz`.
//!
//! A program is no library: the target takes this file and `day` in by their paths.

use jiff::tz::TimeZone;

use crate::day::{Edge, read};

/// A date as somebody types it: its beginning is not after its end, and written out it is the same time.
pub(crate) fn date(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let edge = |edge| read(text, &TimeZone::UTC, edge).ok();
    let (Some(first), Some(last)) = (edge(Edge::First), edge(Edge::Last)) else { return false };
    assert!(first <= last);
    let Ok(ms) = i64::try_from(first.0) else { panic!("a time that no calendar has") };
    let Ok(written) = jiff::Timestamp::from_millisecond(ms) else { panic!("a time that no calendar has") };
    assert_eq!(read(&written.to_string(), &TimeZone::UTC, Edge::First).ok(), Some(first));
    true
}

#[cfg(test)]
#[path = "../../../fuzz/replay.rs"]
mod replay;

#[cfg(test)]
mod tests {
    #[test]
    fn the_corpus_goes_through() {
        super::replay::replay("date", super::date);
    }
}
