//! Safety numbers: what two people compare to know that no third stands between them.
//!
//! Made after the manner of Signal's numeric fingerprint (M. Marlinspike, "Safety number updates", 2016, and the
//! class `NumericFingerprintGenerator` of libsignal): for each side a hash, repeated 5,200 times over the public key,
//! of which 30 bytes give 30 digits; the two sides' digits in ascending order are the number. The repetition makes it
//! dearer to search for a key whose digits resemble another's: 30 digits alone are about 99.7 bits.

use std::fmt::Write as _;

use diario_protocol::{AccountId, PublicKey};
use sha2::{Digest as _, Sha256, Sha512};

use crate::base32;

const DOMAIN: &[u8] = b"diario safety number";
const VERSION: u8 = 1;
const ROUNDS: usize = 5_200;
const PREFIX: &str = "DIARIO-SAFETY:";
const CHECKSUM: usize = 4;
/// More than any code has.
const LONGEST: usize = 512;

/// One side's key, hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fingerprint([u8; 32]);

/// What a text that was scanned or typed says of two accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SafetyComparison {
    /// Both sides see the same keys.
    Match,
    /// They do not: it is another person's code, or somebody stands between.
    Mismatch,
    /// The text is no safety number, or was not read completely.
    NotACode,
    /// It was made by a version of Diario that reckons otherwise.
    OtherVersion,
}

impl Fingerprint {
    pub(crate) fn of(account: AccountId, identity_key: &PublicKey) -> Self {
        let mut hash = Sha512::new()
            .chain_update(DOMAIN)
            .chain_update([VERSION])
            .chain_update(identity_key.as_bytes())
            .chain_update(account.as_bytes())
            .finalize();
        for _ in 0..ROUNDS {
            hash = Sha512::new().chain_update(hash).chain_update(identity_key.as_bytes()).finalize();
        }
        let mut first = [0; 32];
        first.copy_from_slice(&hash[..32]);
        Self(first)
    }

    fn digits(&self) -> String {
        let mut digits = String::with_capacity(30);
        for chunk in self.0[..30].chunks(5) {
            let number = chunk.iter().fold(0, |n: u64, byte| n << 8 | u64::from(*byte)) % 100_000;
            let _ = write!(digits, "{number:05}");
        }
        digits
    }
}

/// The 60 digits, the same on both sides.
pub(crate) fn digits(one: &Fingerprint, other: &Fingerprint) -> String {
    let mut both = [one.digits(), other.digits()];
    both.sort_unstable();
    both.concat()
}

/// The text for a QR code on this side: whoever scans it compares both fingerprints in full.
pub(crate) fn code(mine: &Fingerprint, theirs: &Fingerprint) -> String {
    let mut bytes = vec![VERSION];
    bytes.extend_from_slice(&mine.0);
    bytes.extend_from_slice(&theirs.0);
    let checksum = checksum(&bytes);
    bytes.extend_from_slice(&checksum);
    format!("{PREFIX}{}", base32::text(&bytes))
}

/// Compares what the other side shows, its code or its digits, with what is known here.
pub(crate) fn compare(mine: &Fingerprint, theirs: &Fingerprint, shown: &str) -> SafetyComparison {
    use SafetyComparison::{Match, Mismatch, NotACode, OtherVersion};
    let verdict = |same| if same { Match } else { Mismatch };
    if shown.len() > LONGEST {
        return NotACode;
    }
    let compact: String = shown.chars().filter(|c| !c.is_whitespace()).collect();
    if compact.len() == 60 && compact.bytes().all(|b| b.is_ascii_digit()) {
        return verdict(compact == digits(mine, theirs));
    }
    let upper = compact.to_ascii_uppercase();
    let Some(bytes) = upper.strip_prefix(PREFIX).and_then(base32::read) else {
        return NotACode;
    };
    let Some((body, sum)) = bytes.split_at_checked(bytes.len().saturating_sub(CHECKSUM)) else {
        return NotACode;
    };
    match body {
        _ if checksum(body) != sum => NotACode,
        [VERSION, both @ ..] if both.len() == 64 => verdict(both[..32] == theirs.0 && both[32..] == mine.0),
        [VERSION, ..] | [] => NotACode,
        _ => OtherVersion,
    }
}

fn checksum(bytes: &[u8]) -> [u8; CHECKSUM] {
    let hash = Sha256::new().chain_update(PREFIX).chain_update(bytes).finalize();
    [hash[0], hash[1], hash[2], hash[3]]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn side(byte: u8) -> Fingerprint {
        let key = PublicKey::new([byte; 32]);
        Fingerprint::of(AccountId::of_key(&key), &key)
    }

    #[test]
    fn both_sides_see_the_same_number_and_others_another() {
        let (giulia, marco, other) = (side(1), side(2), side(3));
        let number = digits(&giulia, &marco);
        assert_eq!(number, digits(&marco, &giulia));
        assert_eq!(number.len(), 60);
        assert!(number.bytes().all(|b| b.is_ascii_digit()));
        assert_ne!(number, digits(&giulia, &other));
    }

    #[test]
    fn a_safety_number_stays_what_it_is() {
        // Reckoned once without this code.
        assert_eq!(
            digits(&side(1), &side(2)),
            "404371059871884648386936680137998438648040671730476174519900"
        );
    }

    #[test]
    fn a_scanned_code_is_told_from_a_wrong_a_broken_and_a_newer_one() {
        let (giulia, marco, other) = (side(1), side(2), side(3));
        let shown = code(&marco, &giulia);
        assert_eq!(compare(&giulia, &marco, &shown), SafetyComparison::Match);
        assert_eq!(compare(&giulia, &marco, &shown.to_lowercase()), SafetyComparison::Match);
        assert_eq!(compare(&giulia, &marco, &code(&giulia, &marco)), SafetyComparison::Mismatch, "one's own");
        assert_eq!(compare(&giulia, &other, &shown), SafetyComparison::Mismatch);
        assert_eq!(compare(&giulia, &marco, &code(&marco, &other)), SafetyComparison::Mismatch);
        let mut typed = digits(&giulia, &marco);
        typed.insert(5, ' ');
        assert_eq!(compare(&giulia, &marco, &typed), SafetyComparison::Match);
        assert_eq!(compare(&giulia, &other, &typed), SafetyComparison::Mismatch);
        for broken in ["", "DIARIO-SAFETY:", "DIARIO:ABC", "https://example.org", &shown[..shown.len() - 1]] {
            assert_eq!(compare(&giulia, &marco, broken), SafetyComparison::NotACode, "{broken}");
        }
        let mut newer = vec![VERSION + 1, 7, 7];
        newer.extend_from_slice(&checksum(&newer));
        let newer = format!("{PREFIX}{}", base32::text(&newer));
        assert_eq!(compare(&giulia, &marco, &newer), SafetyComparison::OtherVersion);
    }
}
