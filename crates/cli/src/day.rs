//! Days as users type them.

use diario_protocol::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, ToSpan as _};

/// A text that is no date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NotADate(pub(crate) String);

/// Which end of a day, month or year is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Edge {
    /// Its beginning.
    First,
    /// Right after its end.
    Last,
}

/// Reads `2024`, `2024-05`, `2024-05-31` as that time in a zone, or a time in RFC 3339.
pub(crate) fn read(text: &str, zone: &TimeZone, edge: Edge) -> Result<Timestamp, NotADate> {
    let at = match span(text) {
        Some((first, span)) => {
            let day = match edge {
                Edge::First => Some(first),
                Edge::Last => first.checked_add(span).ok(),
            };
            let midnight = day.and_then(|day| day.to_zoned(zone.clone()).ok());
            midnight.map(|at| at.timestamp())
        }
        None => text.parse::<jiff::Timestamp>().ok(),
    };
    let ms = at.ok_or_else(|| NotADate(text.to_owned()))?.as_millisecond();
    Ok(Timestamp(u64::try_from(ms).unwrap_or(0)))
}

/// The first day of what is named, and how long that is.
fn span(text: &str) -> Option<(Date, Span)> {
    let is_plain = text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    let parts: Vec<&str> = text.split('-').collect();
    let number = |i: usize| parts.get(i).map_or(Some(1), |part| part.parse::<i8>().ok());
    let long = match parts.len() {
        1 => 1.year(),
        2 => 1.month(),
        3 => 1.day(),
        _ => return None,
    };
    if !is_plain || parts[0].len() != 4 {
        return None;
    }
    let first = Date::new(parts[0].parse().ok()?, number(1)?, number(2)?).ok()?;
    Some((first, long))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_months_and_years_have_two_ends() {
        let both = |text: &str| {
            [Edge::First, Edge::Last].map(|edge| {
                let at = read(text, &TimeZone::UTC, edge).unwrap();
                crate::style::rfc3339(at)[..10].to_owned()
            })
        };
        assert_eq!(both("2024-02-28"), ["2024-02-28", "2024-02-29"]);
        assert_eq!(both("2024-12"), ["2024-12-01", "2025-01-01"]);
        assert_eq!(both("2023"), ["2023-01-01", "2024-01-01"]);
        assert_eq!(both("2024-05-31T10:00:00Z"), ["2024-05-31", "2024-05-31"]);
        for wrong in ["", "yesterday", "24-05-31", "2024-13", "2024-02-30", "2024-1-1-1", "-2024", "99999"] {
            assert!(read(wrong, &TimeZone::UTC, Edge::First).is_err(), "{wrong}");
        }
    }
}
