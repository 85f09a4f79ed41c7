//! Names that people type.

use std::fmt;
use std::str::FromStr;

use minicbor::{Decode, Decoder, Encode, decode};

/// A user's name on its server: 2 to 32 of `a-z`, `0-9`, `.`, `_`, `-`, beginning with a letter.
///
/// Plain ASCII, so that no two names look the same.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Encode)]
#[cbor(transparent)]
pub struct Username(#[n(0)] String);

/// A text that cannot be a [`Username`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a username has 2 to 32 of a-z, 0-9, '.', '_' and '-', and begins with a letter")]
pub struct UsernameError;

impl Username {
    /// The name's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Username {
    type Err = UsernameError;
    fn from_str(s: &str) -> Result<Self, UsernameError> {
        let name = s.to_ascii_lowercase();
        let good = (2..=32).contains(&name.len())
            && name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b));
        if good { Ok(Self(name)) } else { Err(UsernameError) }
    }
}

impl fmt::Display for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'b, C> Decode<'b, C> for Username {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, decode::Error> {
        let at = d.position();
        d.str()?.parse().map_err(|_| decode::Error::message("not a username").at(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_folded_and_checked() {
        assert_eq!("Giulia".parse::<Username>().unwrap().as_str(), "giulia");
        for bad in ["", "g", "9lives", "giulia rossi", "giulià", &"x".repeat(33)] {
            assert_eq!(bad.parse::<Username>(), Err(UsernameError), "{bad}");
        }
    }
}
