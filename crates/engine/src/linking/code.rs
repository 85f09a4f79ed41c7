//! The code that a new device shows as a QR code.

use std::fmt;
use std::str::FromStr;

use minicbor::{Decoder, Encoder};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::{Entropy, Secret, draw_secret};
use crate::base32;

const PREFIX: &str = "DIARIO:";
const VERSION: u64 = 1;
const CHECKSUM_LEN: usize = 4;
const MAX_SERVER_LEN: usize = 255;
/// More than any code has; longer texts are not looked at.
const MAX_TEXT_LEN: usize = 1024;

/// Where to meet and the secret to know each other by.
///
/// As text it is `DIARIO:` and Base32 (RFC 4648) of CBOR and a checksum: only characters of a QR code's
/// alphanumeric mode (ISO/IEC 18004), which takes a third less room than bytes would as text.
#[derive(Clone)]
pub struct LinkCode {
    server: String,
    mailbox: [u8; 16],
    secret: Secret,
}

/// Why a text is no link code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LinkCodeError {
    /// It does not begin as one.
    #[error("this is not a Diario link code; it should begin with {PREFIX}")]
    NotALinkCode,
    /// Its checksum does not fit: a character is wrong or missing.
    #[error("the link code was not read correctly; scan or copy it again")]
    Mistyped,
    /// It is of a version that this one does not know.
    #[error("the link code is of version {0}; update this device")]
    UnknownVersion(u64),
    /// It is no code though its checksum fits: whatever made it is broken.
    #[error("the link code is broken")]
    Malformed,
    /// The server's address is empty, longer than 255 bytes, or has other than printable ASCII characters.
    #[error("the server's address can't be put into a link code")]
    BadServer,
}

impl LinkCode {
    /// A new code for the address of `server`.
    pub fn generate(server: &str, entropy: &mut dyn Entropy) -> Result<Self, LinkCodeError> {
        let mut mailbox = [0; 16];
        entropy.fill(&mut mailbox);
        Self { server: server.to_owned(), mailbox, secret: draw_secret(entropy) }.checked()
    }

    /// The address of the server to meet on, as the other device gave it: check it before connecting.
    pub fn server(&self) -> &str {
        &self.server
    }

    /// The mailbox to meet in.
    pub const fn mailbox(&self) -> &[u8; 16] {
        &self.mailbox
    }

    /// The text for the QR code; whoever reads it can take the other side's place.
    pub fn text(&self) -> Zeroizing<String> {
        let mut bytes = Zeroizing::new(self.to_cbor());
        let checksum = checksum(&bytes);
        bytes.extend_from_slice(&checksum);
        let mut text = Zeroizing::new(String::with_capacity(PREFIX.len() + base32::length(bytes.len())));
        text.push_str(PREFIX);
        base32::append(&bytes, &mut text);
        text
    }

    pub(super) const fn secret(&self) -> &Secret {
        &self.secret
    }

    fn to_cbor(&self) -> Vec<u8> {
        // The capacity is the most it can be, so that the secret is not left behind by a move.
        let mut cbor = Encoder::new(Vec::with_capacity(64 + self.server.len()));
        cbor.array(4)
            .and_then(|cbor| cbor.u64(VERSION))
            .and_then(|cbor| cbor.str(&self.server))
            .and_then(|cbor| cbor.bytes(&self.mailbox))
            .and_then(|cbor| cbor.bytes(&*self.secret))
            .expect("writing to a vector does not fail");
        cbor.into_writer()
    }

    fn from_cbor(bytes: &[u8]) -> Result<Self, LinkCodeError> {
        let mut cbor = Decoder::new(bytes);
        let malformed = |_| LinkCodeError::Malformed;
        let fields = cbor.array().map_err(malformed)?;
        let version = cbor.u64().map_err(malformed)?;
        if version != VERSION {
            return Err(LinkCodeError::UnknownVersion(version));
        }
        let server = cbor.str().map_err(malformed)?.to_owned();
        let mailbox = cbor.bytes().map_err(malformed)?.try_into().map_err(|_| LinkCodeError::Malformed)?;
        let secret: &[u8; 32] =
            cbor.bytes().map_err(malformed)?.try_into().map_err(|_| LinkCodeError::Malformed)?;
        if fields != Some(4) || cbor.position() != bytes.len() {
            return Err(LinkCodeError::Malformed);
        }
        Self { server, mailbox, secret: Zeroizing::new(*secret) }.checked()
    }

    /// Only printable ASCII: what is shown to the user must be what is connected to.
    fn checked(self) -> Result<Self, LinkCodeError> {
        let is_fine = (1..=MAX_SERVER_LEN).contains(&self.server.len())
            && self.server.bytes().all(|byte| byte.is_ascii_graphic());
        if is_fine { Ok(self) } else { Err(LinkCodeError::BadServer) }
    }
}

impl FromStr for LinkCode {
    type Err = LinkCodeError;

    /// Reads a code as scanned or pasted: in either case, with any white space.
    fn from_str(text: &str) -> Result<Self, LinkCodeError> {
        if text.len() > MAX_TEXT_LEN {
            return Err(LinkCodeError::NotALinkCode);
        }
        let mut folded = Zeroizing::new(String::with_capacity(text.len()));
        folded.extend(text.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_ascii_uppercase()));
        let encoded = folded.strip_prefix(PREFIX).ok_or(LinkCodeError::NotALinkCode)?;
        let bytes = base32::read(encoded).ok_or(LinkCodeError::Mistyped)?;
        match bytes.split_last_chunk::<CHECKSUM_LEN>() {
            Some((cbor, sum)) if checksum(cbor) == *sum => Self::from_cbor(cbor),
            _ => Err(LinkCodeError::Mistyped),
        }
    }
}

impl fmt::Debug for LinkCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LinkCode").field("server", &self.server).finish_non_exhaustive()
    }
}

/// Against typing errors, not against people.
fn checksum(bytes: &[u8]) -> [u8; CHECKSUM_LEN] {
    let digest = Sha256::digest(bytes);
    std::array::from_fn(|i| digest[i])
}
