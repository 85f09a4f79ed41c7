//! The code that is typed where there is no camera, and the secret that SPAKE2 makes of it.

use std::fmt;
use std::str::FromStr;

use hkdf::Hkdf;
use rand_core::{CryptoRng, RngCore};
use sha2::{Digest as _, Sha256};
use spake2::{Ed25519Group, Identity, Password, Spake2};
use zeroize::Zeroizing;

use super::{Entropy, LinkingError, Secret};

/// Crockford's Base32: no I, L, O, U.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const CODE_LEN: usize = 8;
/// The first characters name the mailbox and so are known to the server; the others are the password.
const MAILBOX_CHARS: usize = 3;
const MAILBOX_LABEL: &[u8] = b"diario pairing mailbox v1";
const IDENTITY_LABEL: &[u8] = b"diario pairing v1";
const SECRET_LABEL: &[u8] = b"diario pairing secret v1";

/// A code for people: shown as `XXXX-XXXX`, typed in either case.
///
/// The first 3 characters name one of 32,768 mailboxes: a candidate that finds its own taken makes a new code.
/// The last 5 never leave the two devices.
#[derive(Clone, PartialEq, Eq)]
pub struct PairingCode(Zeroizing<[u8; CODE_LEN]>);

/// Why a text is no pairing code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PairingCodeError {
    /// It has more or fewer than 8 characters.
    #[error("a pairing code has {CODE_LEN} characters")]
    WrongLength,
    /// It has a character that no code has.
    #[error("a pairing code has only digits and letters, and no {0:?}")]
    BadCharacter(char),
}

impl PairingCode {
    /// A new code.
    pub fn generate(entropy: &mut dyn Entropy) -> Self {
        let mut code = Zeroizing::new([0; CODE_LEN]);
        entropy.fill(&mut *code);
        // A byte modulo 32 is as even as the byte.
        code.iter_mut().for_each(|byte| *byte = ALPHABET[usize::from(*byte % 32)]);
        Self(code)
    }

    /// The code for people; whoever reads it can take the other side's place.
    pub fn text(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(CODE_LEN + 1));
        for (i, &byte) in self.0.iter().enumerate() {
            if i == CODE_LEN / 2 {
                text.push('-');
            }
            text.push(char::from(byte));
        }
        text
    }

    /// The mailbox to meet in.
    pub fn mailbox(&self) -> [u8; 16] {
        let digest =
            Sha256::new().chain_update(MAILBOX_LABEL).chain_update(&self.0[..MAILBOX_CHARS]).finalize();
        std::array::from_fn(|i| digest[i])
    }
}

impl FromStr for PairingCode {
    type Err = PairingCodeError;

    /// Reads a code as people type it: O for 0, I or L for 1, with spaces and hyphens or without.
    fn from_str(text: &str) -> Result<Self, PairingCodeError> {
        let mut code = Zeroizing::new([0; CODE_LEN]);
        let mut len = 0;
        for typed in text.chars().filter(|c| !c.is_whitespace() && *c != '-') {
            let folded = match typed.to_ascii_uppercase() {
                'O' => '0',
                'I' | 'L' => '1',
                other => other,
            };
            let known = u8::try_from(folded).ok().filter(|byte| ALPHABET.contains(byte));
            let byte = known.ok_or(PairingCodeError::BadCharacter(typed))?;
            *code.get_mut(len).ok_or(PairingCodeError::WrongLength)? = byte;
            len += 1;
        }
        if len == CODE_LEN { Ok(Self(code)) } else { Err(PairingCodeError::WrongLength) }
    }
}

impl fmt::Debug for PairingCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PairingCode(..)")
    }
}

/// A SPAKE2 exchange that waits for the other side's share.
pub(super) struct Exchange {
    spake: Spake2<Ed25519Group>,
    mailbox: [u8; 16],
    own_share: Vec<u8>,
}

impl Exchange {
    pub(super) fn start(code: &PairingCode, entropy: &mut dyn Entropy) -> Self {
        let mailbox = code.mailbox();
        let (spake, own_share) = Spake2::start_symmetric_with_rng(
            &Password::new(&code.0[MAILBOX_CHARS..]),
            &Identity::new(&[IDENTITY_LABEL, &mailbox].concat()),
            Rng(entropy),
        );
        Self { spake, mailbox, own_share }
    }

    pub(super) fn own_share(&self) -> &[u8] {
        &self.own_share
    }

    /// The common secret, if the other side has the same code; another one if not.
    pub(super) fn finish(self, share: &[u8]) -> Result<Secret, LinkingError> {
        // In the symmetric form one's own share would be taken for the other's.
        if share == self.own_share {
            return Err(LinkingError::Unexpected { expected: "the other device's share" });
        }
        let key = Zeroizing::new(self.spake.finish(share).map_err(|_| LinkingError::Malformed)?);
        let mut secret = Zeroizing::new([0; 32]);
        Hkdf::<Sha256>::new(Some(&self.mailbox), &key)
            .expand(SECRET_LABEL, &mut *secret)
            .map_err(|_| LinkingError::Internal)?;
        Ok(secret)
    }
}

/// The entropy as the `spake2` crate takes it.
struct Rng<'a>(&'a mut dyn Entropy);

impl RngCore for Rng<'_> {
    fn next_u32(&mut self) -> u32 {
        let mut bytes = [0; 4];
        self.0.fill(&mut bytes);
        u32::from_le_bytes(bytes)
    }

    fn next_u64(&mut self) -> u64 {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        u64::from_le_bytes(bytes)
    }

    fn fill_bytes(&mut self, dest: &mut [u8]) {
        self.0.fill(dest);
    }

    fn try_fill_bytes(&mut self, dest: &mut [u8]) -> Result<(), rand_core::Error> {
        self.0.fill(dest);
        Ok(())
    }
}

impl CryptoRng for Rng<'_> {}
