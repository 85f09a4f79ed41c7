//! For how long a server keeps what was said.

use std::fmt;
use std::str::FromStr;

use minicbor::{Decode, Encode};

/// When the server drops the bodies of entries. What is left of an entry keeps the log whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Encode, Decode)]
pub struct Retention {
    /// After so many days; `None`: however old they are.
    #[n(0)]
    pub days: Option<u32>,
    /// Once every device has them.
    #[n(1)]
    pub delivered: bool,
}

/// A text that says no time to keep anything.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no time to keep messages; write `forever`, a number of days like `30d`, or `delivered`")]
pub struct RetentionError(String);

impl Retention {
    /// For ever.
    pub const FOREVER: Self = Self { days: None, delivered: false };
    /// The most days; it is a hundred years.
    pub const MOST_DAYS: u32 = 36_500;

    /// What holds where both are to be kept to: whichever comes first.
    #[must_use]
    pub fn shorter(self, other: Self) -> Self {
        let days = match (self.days, other.days) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        Self { days, delivered: self.delivered || other.delivered }
    }

    /// Whether nothing is ever dropped.
    pub fn is_forever(self) -> bool {
        self == Self::FOREVER
    }

    /// Whether it makes sense.
    pub fn is_valid(self) -> bool {
        self.days.is_none_or(|days| (1..=Self::MOST_DAYS).contains(&days))
    }
}

impl fmt::Display for Retention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.days, self.delivered) {
            (None, false) => f.write_str("forever"),
            (None, true) => f.write_str("delivered"),
            (Some(days), false) => write!(f, "{days}d"),
            (Some(days), true) => write!(f, "{days}d,delivered"),
        }
    }
}

impl FromStr for Retention {
    type Err = RetentionError;

    fn from_str(text: &str) -> Result<Self, RetentionError> {
        let wrong = || RetentionError(text.to_owned());
        let mut found = Self::FOREVER;
        for part in text.split(',').map(str::trim) {
            let one = match (part, part.strip_suffix('d')) {
                ("forever", _) => Self::FOREVER,
                ("delivered", _) => Self { delivered: true, ..Self::FOREVER },
                (_, Some(days)) => Self { days: Some(days.parse().map_err(|_| wrong())?), delivered: false },
                _ => return Err(wrong()),
            };
            found = found.shorter(one);
        }
        if found.is_valid() { Ok(found) } else { Err(wrong()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shorter_of_two_is_whichever_comes_first() {
        let of = |text: &str| text.parse::<Retention>().unwrap();
        assert_eq!(of("forever").shorter(of("30d")), of("30d"));
        assert_eq!(of("7d").shorter(of("30d")), of("7d"));
        assert_eq!(of("delivered").shorter(of("30d")), of("30d,delivered"));
        assert!(of("forever").shorter(of("forever")).is_forever());
    }

    #[test]
    fn what_is_written_is_read_again_and_nonsense_is_not() {
        for text in ["forever", "1d", "36500d", "delivered", "30d,delivered"] {
            assert_eq!(text.parse::<Retention>().unwrap().to_string(), text);
        }
        for text in ["", "0d", "36501d", "-1d", "30", "d", "never", "30d,"] {
            assert!(text.parse::<Retention>().is_err(), "{text}");
        }
    }
}
