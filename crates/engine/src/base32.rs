//! Base32 (RFC 4648 section 6) without padding.

use zeroize::Zeroizing;

const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// How many characters so many bytes make.
pub(crate) const fn length(bytes: usize) -> usize {
    (bytes * 8).div_ceil(5)
}

/// Appends bytes as characters; the text keeps its place if it has the room.
pub(crate) fn append(bytes: &[u8], text: &mut String) {
    for group in bytes.chunks(5) {
        let mut bits = 0_u64;
        for place in 0..5 {
            bits = bits << 8 | u64::from(group.get(place).copied().unwrap_or(0));
        }
        for place in 0..length(group.len()) {
            let digit = bits >> (35 - 5 * place) & 31;
            text.extend(usize::try_from(digit).ok().map(|digit| char::from(ALPHABET[digit])));
        }
    }
}

/// Bytes as characters.
pub(crate) fn text(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(length(bytes.len()));
    append(bytes, &mut text);
    text
}

/// Reads what [`append`] wrote, and nothing else: no other length, no bits that say nothing.
pub(crate) fn read(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len() * 5 / 8));
    for group in text.as_bytes().chunks(8) {
        let mut bits = 0_u64;
        for place in 0..8 {
            let digit = group.get(place).map_or(Some(0), |c| ALPHABET.iter().position(|a| a == c))?;
            bits = bits << 5 | u64::try_from(digit).ok()?;
        }
        let whole = group.len() * 5 / 8;
        let unused = bits.checked_shl(24 + 8 * u32::try_from(whole).ok()?).unwrap_or(0);
        if length(whole) != group.len() || unused != 0 {
            return None;
        }
        bytes.extend_from_slice(&bits.to_be_bytes()[3..3 + whole]);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4648 section 10.
    #[test]
    fn the_vectors_of_the_standard_hold() {
        let vectors = [
            ("", ""),
            ("f", "MY"),
            ("fo", "MZXQ"),
            ("foo", "MZXW6"),
            ("foob", "MZXW6YQ"),
            ("fooba", "MZXW6YTB"),
        ];
        for (bytes, expected) in vectors {
            let mut text = String::new();
            append(bytes.as_bytes(), &mut text);
            assert_eq!(text, expected);
            assert_eq!(text.len(), length(bytes.len()));
            assert_eq!(read(&text).unwrap().as_slice(), bytes.as_bytes());
        }
    }

    #[test]
    fn it_reads_and_refuses_what_a_library_does() {
        let library = data_encoding::BASE32_NOPAD;
        for length in 0..24_u8 {
            let bytes: Vec<u8> = (0..length).map(|i| i.wrapping_mul(91) ^ 0xa5).collect();
            let mut text = String::new();
            append(&bytes, &mut text);
            assert_eq!(text, library.encode(&bytes));
            for (place, _) in text.char_indices() {
                for other in ["A", "B", "7", "1", "a", ""] {
                    let mut changed = text.clone();
                    changed.replace_range(place..=place, other);
                    assert_eq!(
                        read(&changed).map(|bytes| bytes.to_vec()),
                        library.decode(changed.as_bytes()).ok(),
                        "{changed}"
                    );
                }
            }
        }
    }
}
