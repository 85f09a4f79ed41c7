//! What stands for a person or a conversation without a picture: initials on a muted hue.

/// How many hues there are; the style sheet has them as `--hue-0` and so on.
pub const HUES: u8 = 8;

/// The hue of an id. Ids are hashes: their bytes are evenly spread.
pub fn hue(id: &[u8; 16]) -> u8 {
    // Of all bytes, so that ids made by hand in tests differ too (FNV-1a).
    let hash =
        id.iter().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193));
    u8::try_from((hash >> 16) % u32::from(HUES)).unwrap_or(0)
}

/// Up to two letters for a name: of its first and its last word.
pub fn initials(name: &str) -> String {
    let mut letters =
        name.split(|c: char| !c.is_alphanumeric()).filter_map(|word| word.chars().next()).map(|letter| {
            let mut upper = letter.to_uppercase();
            upper.next().filter(|_| upper.next().is_none()).unwrap_or(letter)
        });
    let first = letters.next();
    let last = letters.next_back();
    first.into_iter().chain(last).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn initials_are_of_the_first_and_the_last_word() {
        assert_eq!(initials("ada"), "A");
        assert_eq!(initials("ada.lovelace"), "AL");
        assert_eq!(initials("Viaggio in Perù 2026"), "V2");
        assert_eq!(initials("  ßharp tool "), "ßT");
        assert_eq!(initials("🚀"), "");
        assert_eq!(initials(""), "");
    }

    #[test]
    fn hues_are_few_and_spread() {
        let mut seen = std::collections::HashSet::new();
        for n in 0..64 {
            let hue = hue(&[n; 16]);
            assert!(hue < HUES);
            seen.insert(hue);
        }
        assert_eq!(seen.len(), usize::from(HUES));
    }
}
