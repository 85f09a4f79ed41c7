//! How long somebody waits: as it is typed, and as another process tells it.

use std::time::Duration;

use serde::{Deserialize as _, Deserializer};

/// A year. Beyond it is forever anyway, and clocks can still add it.
pub(crate) const LONGEST: Duration = Duration::from_hours(365 * 24);

/// Reads what was typed.
pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    let wrong = || "expected a number of seconds, like 10 or 0.5".to_owned();
    let seconds: f64 = text.parse().map_err(|_| wrong())?;
    if seconds.is_nan() {
        return Err(wrong());
    }
    Duration::try_from_secs_f64(seconds.min(LONGEST.as_secs_f64())).map_err(|_| wrong())
}

/// For serde: what was not typed here has the same bound.
pub(crate) fn told<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    Ok(Duration::deserialize(from)?.min(LONGEST))
}

/// The same of what may be left away.
pub(crate) fn told_if_any<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
    Ok(Option::<Duration>::deserialize(from)?.map(|told| told.min(LONGEST)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_and_bounded() {
        assert_eq!(seconds("0.5"), Ok(Duration::from_millis(500)));
        assert_eq!(seconds("1e300"), Ok(LONGEST));
        for wrong in ["-1", "x", "NaN", ""] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
    }
}
