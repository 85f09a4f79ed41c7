//! The new device's side of a linking.

use std::mem;

use super::message::{Farewell, Kind, Message};
use super::noise::{Channel, Flow, Handshake, check_len, prologue};
use super::pairing::Exchange;
use super::{Entropy, Event, LinkCode, LinkingError, PairingCode, Secret, Step, draw_secret};

/// The new device, which shows the code and asks to be linked.
///
/// For the order of calls see the [module](super).
pub struct Candidate {
    state: State,
    mailbox: [u8; 16],
    opening: Vec<Vec<u8>>,
    request: Vec<u8>,
}

enum State {
    ExpectShare { exchange: Box<Exchange>, prologue: Vec<u8>, seed: Secret },
    ExpectHello(Handshake),
    ExpectDecision(Channel),
    ExpectDoneCall(Channel),
    Closed,
}

impl Candidate {
    /// A candidate that shows `code`; `request` is what the approver gets to judge it by.
    pub fn with_code(
        code: &LinkCode,
        request: Vec<u8>,
        entropy: &mut dyn Entropy,
    ) -> Result<Self, LinkingError> {
        check_len(&request)?;
        let mailbox = *code.mailbox();
        let prologue = prologue(Flow::LinkCode, &mailbox, code.server());
        let handshake = Handshake::responder(code.secret(), &prologue, draw_secret(entropy))?;
        Ok(Self { state: State::ExpectHello(handshake), mailbox, opening: Vec::new(), request })
    }

    /// A candidate that shows `code`, to meet on `server`, which both sides must spell alike.
    pub fn with_pairing(
        code: &PairingCode,
        server: &str,
        request: Vec<u8>,
        entropy: &mut dyn Entropy,
    ) -> Result<Self, LinkingError> {
        check_len(&request)?;
        let mailbox = code.mailbox();
        let prologue = prologue(Flow::PairingCode, &mailbox, server);
        let exchange = Box::new(Exchange::start(code, entropy));
        let opening = vec![Message::Share(exchange.own_share()).to_vec()];
        let state = State::ExpectShare { exchange, prologue, seed: draw_secret(entropy) };
        Ok(Self { state, mailbox, opening, request })
    }

    /// The mailbox to meet in.
    pub const fn mailbox(&self) -> &[u8; 16] {
        &self.mailbox
    }

    /// The messages to begin with; none the second time.
    pub fn start(&mut self) -> Vec<Vec<u8>> {
        mem::take(&mut self.opening)
    }

    /// Takes the approver's next message. After an error the linking is over.
    pub fn handle(&mut self, message: &[u8]) -> Result<Step, LinkingError> {
        // Whatever fails below, what is left behind is closed: there is no second guess.
        let (next, step) = match mem::replace(&mut self.state, State::Closed) {
            State::Closed => return Err(LinkingError::Closed),
            State::ExpectShare { exchange, prologue, seed } => {
                let Message::Share(share) = Message::parse(message)? else {
                    return Err(LinkingError::Unexpected { expected: "the other device's share" });
                };
                let handshake = Handshake::responder(&exchange.finish(share)?, &prologue, seed)?;
                (State::ExpectHello(handshake), Step::default())
            }
            State::ExpectHello(mut handshake) => {
                let Message::Hello(body) = Message::parse(message)? else {
                    return Err(LinkingError::Unexpected { expected: "the other device's hello" });
                };
                handshake.read(body)?;
                let answer = Message::Answer(&handshake.write()?).to_vec();
                let mut channel = handshake.finish()?;
                let request = channel.seal(Kind::Request, &self.request)?;
                (State::ExpectDecision(channel), Step::sending([answer, request]))
            }
            State::ExpectDecision(channel) => decision(channel, message)?,
            State::ExpectDoneCall(_) => {
                // Nothing is due from the approver; but it may have left.
                Message::parse(message)?;
                return Err(LinkingError::Unexpected { expected: "nothing" });
            }
        };
        self.state = next;
        Ok(step)
    }

    /// Tells the approver that what it granted is stored.
    pub fn done(&mut self) -> Result<Step, LinkingError> {
        match mem::replace(&mut self.state, State::Closed) {
            State::ExpectDoneCall(mut channel) => {
                Ok(Step::sending([channel.seal(Kind::Done, &[])?]).with(Event::Finished))
            }
            State::Closed => Err(LinkingError::Closed),
            other => {
                self.state = other;
                Err(LinkingError::Misuse { call: "done" })
            }
        }
    }

    /// Ends the linking; the message tells the other side.
    pub fn cancel(&mut self) -> Option<Vec<u8>> {
        match mem::replace(&mut self.state, State::Closed) {
            State::Closed => None,
            _ => Some(Farewell::GaveUp.to_message()),
        }
    }
}

fn decision(mut channel: Channel, message: &[u8]) -> Result<(State, Step), LinkingError> {
    let due = LinkingError::Unexpected { expected: "the other device's decision" };
    let Message::Sealed(body) = Message::parse(message)? else { return Err(due) };
    match channel.open(body)? {
        (Kind::Grant, payload) => {
            Ok((State::ExpectDoneCall(channel), Step::default().with(Event::Granted(payload))))
        }
        (Kind::Deny, payload) if payload.is_empty() => {
            Ok((State::Closed, Step::default().with(Event::Denied)))
        }
        _ => Err(due),
    }
}
