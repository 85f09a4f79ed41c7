//! Linking a device: how a primary hands a new device what it needs, through a server that learns nothing.
//!
//! The new device is the [`Candidate`], the primary the [`Approver`]. Both put messages into a mailbox of the
//! server and take the other's out of it. What ties them together is a secret that does not pass the server:
//!
//! - a [`LinkCode`], shown as a QR code and scanned, holds a random secret of 32 bytes; or
//! - a [`PairingCode`] of 8 characters, read off one screen and typed into the other, holds a password of 25
//!   bits. SPAKE2 (RFC 9382's scheme in the symmetric form of the `spake2` crate, over Ed25519) makes of it a
//!   secret of 32 bytes that can't be searched for offline. Whoever does not know the password has ONE guess
//!   per mailbox, 1 in 33 million: after a failure both machines are closed, and the next try has a new code.
//!
//! With that secret as key they run `Noise_NNpsk0_25519_ChaChaPoly_BLAKE2s` (the Noise Protocol Framework,
//! revision 34); the handshake also confirms that both hold the same secret. Its prologue binds the version,
//! the kind of code, the mailbox and the server.
//!
//! ```text
//!   candidate                                  approver
//!             -- share ------------------>               pairing code only: SPAKE2, both ways at once
//!             <------------------ share --
//!             <------------------ hello --               Noise message 1
//!             -- answer, request -------->               Noise message 2; event Requested
//!             <---------- grant or deny --               event Granted or Denied
//!             -- done ------------------->               event Finished
//! ```
//!
//! Call order: put what `start` returns; give every message of the other side to `handle`, in order and once;
//! put what the [`Step`] holds, then act on its event. The approver answers [`Event::Requested`] with
//! [`Approver::grant`] or [`Approver::deny`]; the candidate stores what [`Event::Granted`] brings and only then
//! calls [`Candidate::done`].
//!
//! After any error of `handle` a machine is closed for good; put [`LinkingError::farewell`] so that the other
//! side need not wait for its time to run out. Machines live in memory only: a linking that is torn starts
//! again with a new code. There is no clock here; that a code lives minutes is for the caller and the server.
//!
//! Secrets are wiped where this module holds them; `snow` and `spake2` do not wipe their own state.

mod approver;
mod candidate;
mod code;
mod error;
mod message;
mod noise;
mod pairing;
#[cfg(test)]
mod tests;

use std::fmt;

use zeroize::Zeroizing;

pub use approver::Approver;
pub use candidate::Candidate;
pub use code::{LinkCode, LinkCodeError};
pub use error::LinkingError;
pub use pairing::{PairingCode, PairingCodeError};

/// Longest payload of a request or a grant; a Noise message holds 65,535 bytes with what it adds.
pub const MAX_PAYLOAD: usize = 60 * 1024;

/// Where random bytes come from: this module draws none itself.
pub trait Entropy {
    /// Fills `out` with bytes that nobody can predict.
    fn fill(&mut self, out: &mut [u8]);
}

impl<F: FnMut(&mut [u8])> Entropy for F {
    fn fill(&mut self, out: &mut [u8]) {
        self(out);
    }
}

/// What a machine wants done.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// Messages for the other side, to be put into the mailbox in this order.
    pub send: Vec<Vec<u8>>,
    /// What happened.
    pub event: Option<Event>,
}

/// What happened in a linking.
#[derive(PartialEq, Eq)]
pub enum Event {
    /// To the approver: the candidate asks to be linked, with what it gave as its request.
    Requested(Vec<u8>),
    /// To the candidate: it is linked, with what the approver gave. Store it, then call [`Candidate::done`].
    Granted(Zeroizing<Vec<u8>>),
    /// To the candidate: it is not. The linking is over.
    Denied,
    /// The linking is over: the candidate has what it needs, or the approver denied.
    Finished,
}

// The payload of a grant is the account's newest key; it must not come into a log.
impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Requested(_) => "Requested(..)",
            Self::Granted(_) => "Granted(..)",
            Self::Denied => "Denied",
            Self::Finished => "Finished",
        })
    }
}

impl Step {
    fn sending(send: impl Into<Vec<Vec<u8>>>) -> Self {
        Self { send: send.into(), event: None }
    }

    fn with(mut self, event: Event) -> Self {
        self.event = Some(event);
        self
    }
}

/// 32 random bytes, or a key made of such.
type Secret = Zeroizing<[u8; 32]>;

fn draw_secret(entropy: &mut dyn Entropy) -> Secret {
    let mut secret = Zeroizing::new([0; 32]);
    entropy.fill(&mut *secret);
    secret
}
