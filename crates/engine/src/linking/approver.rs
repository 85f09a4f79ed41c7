//! The primary's side of a linking.

use std::mem;

use super::message::{Farewell, Kind, Message};
use super::noise::{Channel, Flow, Handshake, check_len, prologue};
use super::pairing::Exchange;
use super::{Entropy, Event, LinkCode, LinkingError, PairingCode, Secret, Step, draw_secret};

/// The primary, which reads the code and grants or denies what the candidate asks.
///
/// For the order of calls see the [module](super).
pub struct Approver {
    state: State,
    mailbox: [u8; 16],
    opening: Vec<Vec<u8>>,
}

enum State {
    ExpectShare { exchange: Box<Exchange>, prologue: Vec<u8>, seed: Secret },
    ExpectAnswer(Handshake),
    ExpectRequest(Channel),
    ExpectJudgement(Channel),
    ExpectDone(Channel),
    Closed,
}

impl Approver {
    /// An approver that scanned `code`.
    pub fn with_code(code: &LinkCode, entropy: &mut dyn Entropy) -> Result<Self, LinkingError> {
        let mailbox = *code.mailbox();
        let prologue = prologue(Flow::LinkCode, &mailbox, code.server());
        let mut handshake = Handshake::initiator(code.secret(), &prologue, draw_secret(entropy))?;
        let opening = vec![Message::Hello(&handshake.write()?).to_vec()];
        Ok(Self { state: State::ExpectAnswer(handshake), mailbox, opening })
    }

    /// An approver into which `code` was typed, to meet on `server`, which both sides must spell alike.
    pub fn with_pairing(
        code: &PairingCode,
        server: &str,
        entropy: &mut dyn Entropy,
    ) -> Result<Self, LinkingError> {
        let mailbox = code.mailbox();
        let prologue = prologue(Flow::PairingCode, &mailbox, server);
        let exchange = Box::new(Exchange::start(code, entropy));
        let opening = vec![Message::Share(exchange.own_share()).to_vec()];
        let state = State::ExpectShare { exchange, prologue, seed: draw_secret(entropy) };
        Ok(Self { state, mailbox, opening })
    }

    /// The mailbox to meet in.
    pub const fn mailbox(&self) -> &[u8; 16] {
        &self.mailbox
    }

    /// The messages to begin with; none the second time.
    pub fn start(&mut self) -> Vec<Vec<u8>> {
        mem::take(&mut self.opening)
    }

    /// Takes the candidate's next message. After an error the linking is over.
    pub fn handle(&mut self, message: &[u8]) -> Result<Step, LinkingError> {
        // Whatever fails below, what is left behind is closed: there is no second guess.
        let (next, step) = match mem::replace(&mut self.state, State::Closed) {
            State::Closed => return Err(LinkingError::Closed),
            State::ExpectShare { exchange, prologue, seed } => {
                let Message::Share(share) = Message::parse(message)? else {
                    return Err(LinkingError::Unexpected { expected: "the other device's share" });
                };
                let mut handshake = Handshake::initiator(&exchange.finish(share)?, &prologue, seed)?;
                let hello = Message::Hello(&handshake.write()?).to_vec();
                (State::ExpectAnswer(handshake), Step::sending([hello]))
            }
            State::ExpectAnswer(mut handshake) => {
                let Message::Answer(body) = Message::parse(message)? else {
                    return Err(LinkingError::Unexpected { expected: "the other device's answer" });
                };
                handshake.read(body)?;
                (State::ExpectRequest(handshake.finish()?), Step::default())
            }
            State::ExpectRequest(mut channel) => {
                let payload = open(&mut channel, message, Kind::Request, "the other device's request")?;
                (State::ExpectJudgement(channel), Step::default().with(Event::Requested(payload)))
            }
            State::ExpectJudgement(_) => {
                // Nothing is due from the candidate; but it may have left.
                Message::parse(message)?;
                return Err(LinkingError::Unexpected { expected: "nothing" });
            }
            State::ExpectDone(mut channel) => {
                let payload = open(&mut channel, message, Kind::Done, "the other device's thanks")?;
                if !payload.is_empty() {
                    return Err(LinkingError::Malformed);
                }
                (State::Closed, Step::default().with(Event::Finished))
            }
        };
        self.state = next;
        Ok(step)
    }

    /// Links the candidate and hands it `payload`.
    pub fn grant(&mut self, payload: &[u8]) -> Result<Step, LinkingError> {
        check_len(payload)?;
        let mut channel = self.judge("grant")?;
        let message = channel.seal(Kind::Grant, payload)?;
        self.state = State::ExpectDone(channel);
        Ok(Step::sending([message]))
    }

    /// Turns the candidate away.
    pub fn deny(&mut self) -> Result<Step, LinkingError> {
        let message = self.judge("deny")?.seal(Kind::Deny, &[])?;
        Ok(Step::sending([message]).with(Event::Finished))
    }

    /// Ends the linking; the message tells the other side.
    pub fn cancel(&mut self) -> Option<Vec<u8>> {
        match mem::replace(&mut self.state, State::Closed) {
            State::Closed => None,
            _ => Some(Farewell::GaveUp.to_message()),
        }
    }

    /// Leaves the state in which the candidate's request waits.
    fn judge(&mut self, call: &'static str) -> Result<Channel, LinkingError> {
        match mem::replace(&mut self.state, State::Closed) {
            State::ExpectJudgement(channel) => Ok(channel),
            State::Closed => Err(LinkingError::Closed),
            other => {
                self.state = other;
                Err(LinkingError::Misuse { call })
            }
        }
    }
}

/// The payload of a sealed message that must be of `kind`.
fn open(
    channel: &mut Channel,
    message: &[u8],
    kind: Kind,
    expected: &'static str,
) -> Result<Vec<u8>, LinkingError> {
    let Message::Sealed(body) = Message::parse(message)? else {
        return Err(LinkingError::Unexpected { expected });
    };
    match channel.open(body)? {
        (found, mut payload) if found == kind => Ok(mem::take(&mut payload)),
        _ => Err(LinkingError::Unexpected { expected }),
    }
}
