//! Padding before sealing: lengths tell little.
//!
//! Padmé, from "Reducing Metadata Leakage from Encrypted Files and Communication with PURBs" (Nikitin, Barman,
//! Lueks, Underwood, Hubaux, Ford; `PoPETs` 2019, section 4): a length of L bits keeps only its first log2(L)
//! significant bits, so what leaks grows as O(log log) of the length, for at most 12 % more bytes. Short
//! messages, where one word more would show, are filled up to [`MIN_PADDED_LEN`] first.

use super::ContentError;

/// Least length of anything padded.
pub const MIN_PADDED_LEN: usize = 64;

/// Ends the content; zeros follow (ISO/IEC 7816-4).
const MARKER: u8 = 0x80;

/// Appends the marker and zeros up to the next length of Padmé.
pub fn pad(mut content: Vec<u8>) -> Vec<u8> {
    let padded = padded_len(content.len() + 1);
    content.reserve_exact(padded - content.len());
    content.push(MARKER);
    content.resize(padded, 0);
    content
}

/// Strips what [`pad`] appended.
///
/// Not in constant time: what is unpadded here came out of an AEAD, so nobody can probe it with forgeries.
pub fn unpad(padded: &[u8]) -> Result<&[u8], ContentError> {
    let marker = padded.iter().rposition(|&byte| byte != 0).ok_or(ContentError::BadPadding)?;
    if padded[marker] == MARKER { Ok(&padded[..marker]) } else { Err(ContentError::BadPadding) }
}

/// The least length of Padmé that holds `len` bytes.
fn padded_len(len: usize) -> usize {
    let len = len.max(MIN_PADDED_LEN);
    let exponent = len.ilog2();
    let kept_bits = exponent.ilog2() + 1;
    let zero_bits_mask = (1 << (exponent - kept_bits)) - 1;
    (len + zero_bits_mask) & !zero_bits_mask
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_lengths() {
        // Of the paper: L = 9 -> 10, but for the floor; by hand: E = 9, S = 4, so 5 bits of 1000 are zero.
        for (len, padded) in [(0, 64), (63, 64), (64, 72), (71, 72), (72, 80), (999, 1024), (1023, 1024)] {
            assert_eq!(pad(vec![7; len]).len(), padded, "{len}");
        }
        assert_eq!(padded_len(1_000_001), 1_015_808);
    }

    #[test]
    fn few_classes_and_little_waste() {
        let classes: BTreeSet<usize> = (0..=65_536).map(padded_len).collect();
        // 8 in each octave from 64 on, 16 in each from 256 on, and 65,536 itself.
        assert_eq!(classes.len(), 2 * 8 + 8 * 16 + 1);
        for len in MIN_PADDED_LEN..=65_536 {
            let padded = padded_len(len);
            assert!(padded >= len && (padded - len) * 100 <= len * 12, "{len} -> {padded}");
        }
    }

    #[test]
    fn broken_padding_is_refused() {
        for broken in [&[][..], &[0; 64], &[1, 2, 3], &[0x80, 1]] {
            assert_eq!(unpad(broken), Err(ContentError::BadPadding));
        }
        assert_eq!(unpad(&[0x80]), Ok(&[][..]));
    }

    proptest! {
        #[test]
        fn roundtrip(content in proptest::collection::vec(any::<u8>(), 0..5000)) {
            let padded = pad(content.clone());
            // The length is a fixed point of Padmé: it tells the class and nothing else.
            prop_assert_eq!(padded_len(padded.len()), padded.len());
            prop_assert_eq!(unpad(&padded), Ok(&content[..]));
        }

        #[test]
        fn garbage_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = unpad(&bytes);
        }
    }
}
