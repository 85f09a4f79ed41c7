//! What is wrong with a name while it is typed.

use diario_protocol::Username;

/// What keeps a text from being an account's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameFault {
    /// There is nothing, or one character only.
    TooShort,
    /// More than 32 characters.
    TooLong,
    /// It does not begin with a letter.
    Start,
    /// It has something else than letters, digits, dot, dash and underscore.
    Letters,
}

/// The name that a text stands for, or what is wrong with it.
pub fn checked(text: &str) -> Result<Username, NameFault> {
    let text = text.trim();
    text.parse().map_err(|_| {
        let is_good = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        if !text.chars().all(is_good) {
            NameFault::Letters
        } else if text.chars().next().is_some_and(|c| !c.is_ascii_alphabetic()) {
            NameFault::Start
        } else if text.len() < 2 {
            NameFault::TooShort
        } else {
            NameFault::TooLong
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_is_named() {
        assert_eq!(checked(" Giulia ").map(|name| name.to_string()), Ok("giulia".into()));
        assert_eq!(checked(""), Err(NameFault::TooShort));
        assert_eq!(checked("g"), Err(NameFault::TooShort));
        assert_eq!(checked("9lives"), Err(NameFault::Start));
        assert_eq!(checked("giulia rossi"), Err(NameFault::Letters));
        assert_eq!(checked("giulià"), Err(NameFault::Letters));
        assert_eq!(checked(&"x".repeat(33)), Err(NameFault::TooLong));
    }
}
