//! Noise between the two sides: `NNpsk0`, its randomness handed in.

use std::cell::Cell;

use snow::params::{CipherChoice, DHChoice, HashChoice};
use snow::resolvers::{CryptoResolver, DefaultResolver};
use snow::types::{Cipher, Dh, Hash, Random};
use snow::{Builder, HandshakeState, TransportState};
use zeroize::Zeroizing;

use super::message::{Kind, Message};
use super::{LinkingError, MAX_PAYLOAD, Secret};

const PATTERN: &str = "Noise_NNpsk0_25519_ChaChaPoly_BLAKE2s";
/// Bound by the prologue: devices of different versions do not agree by accident.
const VERSION: &[u8] = b"diario linking v1";
const TAG_LEN: usize = 16;
/// Either handshake message: an ephemeral key and the tag of an empty payload.
const HANDSHAKE_LEN: usize = 32 + TAG_LEN;

/// How the two sides came by their secret; bound by the prologue.
#[derive(Clone, Copy)]
pub(super) enum Flow {
    LinkCode = 0,
    PairingCode = 1,
}

/// What both sides must agree upon beside the secret.
pub(super) fn prologue(flow: Flow, mailbox: &[u8; 16], server: &str) -> Vec<u8> {
    // Everything but the last is of fixed length, so no two agreements have the same bytes.
    [VERSION, &[flow as u8], mailbox, server.as_bytes()].concat()
}

/// A handshake that is not done.
pub(super) struct Handshake(Box<HandshakeState>);

impl Handshake {
    /// The approver's side; `seed` becomes its ephemeral key.
    pub(super) fn initiator(psk: &Secret, prologue: &[u8], seed: Secret) -> Result<Self, LinkingError> {
        builder(psk, prologue, seed)?.build_initiator().map(Self::of).map_err(|_| LinkingError::Internal)
    }

    /// The candidate's side; `seed` becomes its ephemeral key.
    pub(super) fn responder(psk: &Secret, prologue: &[u8], seed: Secret) -> Result<Self, LinkingError> {
        builder(psk, prologue, seed)?.build_responder().map(Self::of).map_err(|_| LinkingError::Internal)
    }

    pub(super) fn write(&mut self) -> Result<[u8; HANDSHAKE_LEN], LinkingError> {
        let mut body = [0; HANDSHAKE_LEN];
        self.0.write_message(&[], &mut body).map_err(|_| LinkingError::Internal)?;
        Ok(body)
    }

    /// Reads the other side's message; one made with another secret or prologue is [`LinkingError::WrongCode`].
    pub(super) fn read(&mut self, body: &[u8]) -> Result<(), LinkingError> {
        if body.len() != HANDSHAKE_LEN {
            return Err(LinkingError::Malformed);
        }
        match self.0.read_message(body, &mut []) {
            Ok(_) => Ok(()),
            Err(snow::Error::Decrypt | snow::Error::Dh) => Err(LinkingError::WrongCode),
            Err(_) => Err(LinkingError::Internal),
        }
    }

    pub(super) fn finish(self) -> Result<Channel, LinkingError> {
        let transport = self.0.into_transport_mode().map_err(|_| LinkingError::Internal)?;
        Ok(Channel(Box::new(transport)))
    }

    fn of(state: HandshakeState) -> Self {
        Self(Box::new(state))
    }
}

/// The keys after the handshake: messages in order, each once.
pub(super) struct Channel(Box<TransportState>);

impl Channel {
    /// A sealed message for the mailbox.
    pub(super) fn seal(&mut self, kind: Kind, payload: &[u8]) -> Result<Vec<u8>, LinkingError> {
        check_len(payload)?;
        let mut plain = Zeroizing::new(Vec::with_capacity(1 + payload.len()));
        plain.push(kind as u8);
        plain.extend_from_slice(payload);
        let mut body = vec![0; plain.len() + TAG_LEN];
        self.0.write_message(&plain, &mut body).map_err(|_| LinkingError::Internal)?;
        Ok(Message::Sealed(&body).to_vec())
    }

    /// What a sealed message says.
    pub(super) fn open(&mut self, body: &[u8]) -> Result<(Kind, Zeroizing<Vec<u8>>), LinkingError> {
        if body.len() > 1 + MAX_PAYLOAD + TAG_LEN {
            return Err(LinkingError::Malformed);
        }
        let len = body.len().checked_sub(TAG_LEN).ok_or(LinkingError::Malformed)?;
        let mut plain = Zeroizing::new(vec![0; len]);
        self.0.read_message(body, &mut plain).map_err(|_| LinkingError::Tampered)?;
        let kind = plain.first().copied().and_then(Kind::from_byte).ok_or(LinkingError::Malformed)?;
        plain.remove(0);
        Ok((kind, plain))
    }
}

/// Refuses a payload that does not fit into one message.
pub(super) fn check_len(payload: &[u8]) -> Result<(), LinkingError> {
    match payload.len() {
        0..=MAX_PAYLOAD => Ok(()),
        len => Err(LinkingError::TooLarge { len }),
    }
}

fn builder<'a>(psk: &'a Secret, prologue: &'a [u8], seed: Secret) -> Result<Builder<'a>, LinkingError> {
    let params = PATTERN.parse().map_err(|_| LinkingError::Internal)?;
    Builder::with_resolver(params, Box::new(Resolver { seed: Cell::new(Some(seed)) }))
        .psk(0, psk)
        .and_then(|builder| builder.prologue(prologue))
        .map_err(|_| LinkingError::Internal)
}

/// snow's own primitives, with randomness that was drawn beforehand.
struct Resolver {
    seed: Cell<Option<Secret>>,
}

impl CryptoResolver for Resolver {
    fn resolve_rng(&self) -> Option<Box<dyn Random>> {
        self.seed.take().map(|seed| Box::new(Seed(Some(seed))) as Box<dyn Random>)
    }

    fn resolve_dh(&self, choice: &DHChoice) -> Option<Box<dyn Dh>> {
        DefaultResolver.resolve_dh(choice)
    }

    fn resolve_hash(&self, choice: &HashChoice) -> Option<Box<dyn Hash>> {
        DefaultResolver.resolve_hash(choice)
    }

    fn resolve_cipher(&self, choice: &CipherChoice) -> Option<Box<dyn Cipher>> {
        DefaultResolver.resolve_cipher(choice)
    }
}

/// Enough randomness for the one ephemeral key of a handshake; it is given out once.
struct Seed(Option<Secret>);

impl Random for Seed {
    fn try_fill_bytes(&mut self, dest: &mut [u8]) -> Result<(), snow::Error> {
        match self.0.take() {
            Some(seed) if seed.len() == dest.len() => {
                dest.copy_from_slice(&*seed);
                Ok(())
            }
            _ => Err(snow::Error::Rng),
        }
    }
}
