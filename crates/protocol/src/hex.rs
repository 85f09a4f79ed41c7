//! Hexadecimal digits, for ids. A general library for encodings is forty times as large in a browser.

use std::fmt;

/// Writes bytes in lower-case digits.
pub fn write(bytes: &[u8], out: &mut impl fmt::Write) -> fmt::Result {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .try_for_each(|digit| out.write_char(char::from_digit(digit.into(), 16).unwrap_or_default()))
}

/// Reads as many bytes as are wanted, of digits in either case; `None` if the text is anything else.
pub fn read<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    if digits.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        for digit in pair {
            *byte = *byte << 4 | u8::try_from(char::from(*digit).to_digit(16)?).ok()?;
        }
    }
    Some(bytes)
}

/// Bytes, shown as lower-case digits.
pub struct Shown<'a>(pub &'a [u8]);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write(self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_become_bytes_and_bytes_digits() {
        assert_eq!(Shown(&[0, 1, 0x9a, 0xff]).to_string(), "00019aff");
        assert_eq!(read("00019aFF"), Some([0, 1, 0x9a, 0xff]));
        for wrong in ["", "0", "00019a", "00019aff00", "00019afg", "+0019aff", "0001 aff", "000é9aff"] {
            assert_eq!(read::<4>(wrong), None, "{wrong}");
        }
    }
}
