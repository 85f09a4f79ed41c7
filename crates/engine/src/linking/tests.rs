//! Both flows, and whatever may go wrong between their messages.

mod codes;

use std::collections::VecDeque;

use proptest::prelude::*;
use sha2::{Digest as _, Sha256};

use super::*;

const SERVER: &str = "https://chat.example.org";
const REQUEST: &[u8] = b"Anna's laptop, and its public key";
const GRANT: &[u8] = b"the newest self key and the device list";

/// A stream of bytes that is the same for the same seed.
fn entropy(seed: u64) -> impl FnMut(&mut [u8]) {
    let mut calls = 0_u64;
    move |out| {
        for block in out.chunks_mut(32) {
            calls += 1;
            let stream = Sha256::new().chain_update(seed.to_be_bytes()).chain_update(calls.to_be_bytes());
            block.copy_from_slice(&stream.finalize()[..block.len()]);
        }
    }
}

fn link_code(seed: u64) -> LinkCode {
    LinkCode::generate(SERVER, &mut entropy(seed)).unwrap()
}

fn pairing_code(seed: u64) -> PairingCode {
    PairingCode::generate(&mut entropy(seed))
}

/// The code of another password in the same mailbox.
fn near_miss(code: &PairingCode) -> PairingCode {
    let text = code.text();
    let last = if text.ends_with('0') { '1' } else { '0' };
    format!("{}{last}", &text[..8]).parse().unwrap()
}

fn by_link_code(candidate: &LinkCode, approver: &LinkCode) -> Linking {
    Linking::new(
        Candidate::with_code(candidate, REQUEST.to_vec(), &mut entropy(11)).unwrap(),
        Approver::with_code(approver, &mut entropy(12)).unwrap(),
    )
}

fn by_pairing(candidate: &PairingCode, approver: &PairingCode) -> Linking {
    Linking::new(
        Candidate::with_pairing(candidate, SERVER, REQUEST.to_vec(), &mut entropy(11)).unwrap(),
        Approver::with_pairing(approver, SERVER, &mut entropy(12)).unwrap(),
    )
}

fn either(is_pairing: bool) -> Linking {
    let (link, pairing) = (link_code(1), pairing_code(1));
    if is_pairing { by_pairing(&pairing, &pairing) } else { by_link_code(&link, &link) }
}

/// What the server does to one message.
#[derive(Debug, Clone, Copy)]
enum Fault {
    Truncate(prop::sample::Index),
    Extend,
    Flip(prop::sample::Index, u8),
    Repeat,
    Drop,
    /// Lets it be overtaken by what its sender sends next, or else repeats it.
    Delay,
    /// Gives it back to its sender as well.
    Reflect,
}

/// Both sides, the mailbox between them, and what happened.
struct Linking {
    candidate: Candidate,
    approver: Approver,
    to_candidate: VecDeque<Vec<u8>>,
    to_approver: VecDeque<Vec<u8>>,
    transcript: Vec<Vec<u8>>,
    requested: Option<Vec<u8>>,
    granted: Option<Vec<u8>>,
    finished: (bool, bool),
    errors: (Option<LinkingError>, Option<LinkingError>),
}

impl Linking {
    fn new(candidate: Candidate, approver: Approver) -> Self {
        let mut linking = Self {
            candidate,
            approver,
            to_candidate: VecDeque::new(),
            to_approver: VecDeque::new(),
            transcript: Vec::new(),
            requested: None,
            granted: None,
            finished: (false, false),
            errors: (None, None),
        };
        linking.to_approver.extend(linking.candidate.start());
        linking.to_candidate.extend(linking.approver.start());
        linking
    }

    /// Runs to the end, with a fault at one message, and tells how many messages there were.
    fn run(&mut self, fault: Option<(usize, Fault)>) -> usize {
        let mut delivered = 0;
        loop {
            let is_to_approver = !self.to_approver.is_empty();
            let queue = if is_to_approver { &mut self.to_approver } else { &mut self.to_candidate };
            let Some(mut message) = queue.pop_front() else { return delivered };
            self.transcript.push(message.clone());
            let mut reflected = None;
            match fault.filter(|(at, _)| *at == delivered).map(|(_, fault)| fault) {
                None => {}
                Some(Fault::Truncate(len)) => message.truncate(len.index(message.len())),
                Some(Fault::Extend) => message.push(0),
                Some(Fault::Flip(at, bits)) => {
                    let at = at.index(message.len());
                    message[at] ^= bits;
                }
                Some(Fault::Repeat) => queue.push_front(message.clone()),
                Some(Fault::Delay) => match queue.pop_front() {
                    Some(next) => queue.push_front(std::mem::replace(&mut message, next)),
                    None => queue.push_front(message.clone()),
                },
                Some(Fault::Drop) => {
                    delivered += 1;
                    continue;
                }
                Some(Fault::Reflect) => reflected = Some(message.clone()),
            }
            delivered += 1;
            if let Some(message) = reflected {
                self.deliver(!is_to_approver, &message);
            }
            self.deliver(is_to_approver, &message);
        }
    }

    fn deliver(&mut self, is_to_approver: bool, message: &[u8]) {
        if is_to_approver {
            match self.approver.handle(message) {
                Ok(step) => self.approver_does(step),
                Err(error) => {
                    self.to_candidate.extend(error.farewell());
                    self.errors.1.get_or_insert(error);
                    assert_eq!(self.approver.handle(message), Err(LinkingError::Closed));
                    assert_eq!(self.approver.grant(GRANT), Err(LinkingError::Closed));
                    assert_eq!(self.approver.cancel(), None);
                }
            }
        } else {
            match self.candidate.handle(message) {
                Ok(step) => self.candidate_does(step),
                Err(error) => {
                    self.to_approver.extend(error.farewell());
                    self.errors.0.get_or_insert(error);
                    assert_eq!(self.candidate.handle(message), Err(LinkingError::Closed));
                    assert_eq!(self.candidate.done(), Err(LinkingError::Closed));
                    assert_eq!(self.candidate.cancel(), None);
                }
            }
        }
    }

    fn approver_does(&mut self, step: Step) {
        self.to_candidate.extend(step.send);
        match step.event {
            None => {}
            Some(Event::Requested(request)) => {
                self.requested = Some(request);
                let step = self.approver.grant(GRANT).unwrap();
                self.approver_does(step);
            }
            Some(Event::Finished) => self.finished.1 = true,
            Some(event) => panic!("{event:?} at the approver"),
        }
    }

    fn candidate_does(&mut self, step: Step) {
        self.to_approver.extend(step.send);
        match step.event {
            None => {}
            Some(Event::Granted(grant)) => {
                self.granted = Some(grant.to_vec());
                let step = self.candidate.done().unwrap();
                self.candidate_does(step);
            }
            Some(Event::Finished) => self.finished.0 = true,
            Some(event) => panic!("{event:?} at the candidate"),
        }
    }
}

#[test]
fn both_flows_link() {
    for (is_pairing, messages) in [(false, 5), (true, 7)] {
        let mut linking = either(is_pairing);
        assert_eq!(linking.candidate.mailbox(), linking.approver.mailbox());
        assert_eq!(linking.run(None), messages);
        assert_eq!(linking.errors, (None, None));
        assert_eq!(linking.finished, (true, true));
        assert_eq!(linking.requested.as_deref(), Some(REQUEST));
        assert_eq!(linking.granted.as_deref(), Some(GRANT));
        for message in &linking.transcript {
            for secret in [REQUEST, GRANT] {
                assert!(!message.windows(8).any(|window| secret.windows(8).any(|part| part == window)));
            }
        }
        // All randomness is what was handed in.
        let mut again = either(is_pairing);
        again.run(None);
        assert_eq!(again.transcript, linking.transcript);
        assert!(again.candidate.start().is_empty() && again.approver.start().is_empty());
    }
}

#[test]
fn wrong_codes_are_noticed_by_both_and_nothing_leaks() {
    let code = pairing_code(1);
    let elsewhere = {
        let text = LinkCode::generate("https://evil.example", &mut entropy(1)).unwrap();
        // The same mailbox and secret under another server's name.
        assert_eq!(text.mailbox(), link_code(1).mailbox());
        text
    };
    for mut linking in [
        by_link_code(&link_code(1), &link_code(2)),
        by_link_code(&link_code(1), &elsewhere),
        by_pairing(&code, &near_miss(&code)),
        by_pairing(&code, &pairing_code(2)),
        Linking::new(
            Candidate::with_pairing(&code, SERVER, REQUEST.to_vec(), &mut entropy(11)).unwrap(),
            Approver::with_pairing(&code, "https://evil.example", &mut entropy(12)).unwrap(),
        ),
    ] {
        linking.run(None);
        assert_eq!(linking.errors, (Some(LinkingError::WrongCode), Some(LinkingError::WrongCode)));
        assert_eq!((linking.requested, linking.granted), (None, None));
        // Neither an answer nor anything sealed was sent.
        assert!(linking.transcript.iter().all(|message| !matches!(message[0], 3 | 4)));
    }
}

#[test]
fn denied() {
    let code = link_code(1);
    let mut candidate = Candidate::with_code(&code, vec![], &mut entropy(1)).unwrap();
    let mut approver = Approver::with_code(&code, &mut entropy(2)).unwrap();
    let hello = approver.start().remove(0);
    let [answer, request] = candidate.handle(&hello).unwrap().send.try_into().unwrap();
    assert_eq!(approver.grant(GRANT), Err(LinkingError::Misuse { call: "grant" }));
    assert_eq!(candidate.done(), Err(LinkingError::Misuse { call: "done" }));
    approver.handle(&answer).unwrap();
    assert_eq!(approver.handle(&request).unwrap().event, Some(Event::Requested(vec![])));
    let step = approver.deny().unwrap();
    assert_eq!(step.event, Some(Event::Finished));
    assert_eq!(candidate.handle(&step.send[0]).unwrap().event, Some(Event::Denied));
    assert_eq!(candidate.handle(&step.send[0]), Err(LinkingError::Closed));
    assert_eq!(approver.deny(), Err(LinkingError::Closed));
}

#[test]
fn cancelled() {
    let mut linking = either(true);
    let farewell = linking.candidate.cancel().unwrap();
    assert_eq!(linking.approver.handle(&farewell), Err(LinkingError::PeerGaveUp));
    assert_eq!(LinkingError::PeerGaveUp.farewell(), None);
}

#[test]
fn the_other_side_is_lost() {
    let mut linking = either(true);
    assert_eq!(linking.candidate.handle(&[]), Err(LinkingError::PeerGone));
    assert_eq!(linking.candidate.handle(&[]), Err(LinkingError::Closed));
    assert_eq!(LinkingError::PeerGone.farewell(), None);
}

#[test]
fn payload_limits() {
    let code = link_code(1);
    let too_large = Err(LinkingError::TooLarge { len: MAX_PAYLOAD + 1 });
    let request = |len| Candidate::with_code(&code, vec![7; len], &mut entropy(1)).map(drop);
    assert_eq!(request(MAX_PAYLOAD + 1), too_large);

    let mut candidate = Candidate::with_code(&code, vec![7; MAX_PAYLOAD], &mut entropy(1)).unwrap();
    let mut approver = Approver::with_code(&code, &mut entropy(2)).unwrap();
    let hello = approver.start().remove(0);
    for message in candidate.handle(&hello).unwrap().send {
        approver.handle(&message).unwrap();
    }
    // The linking goes on after a grant that was too large.
    assert_eq!(approver.grant(&vec![7; MAX_PAYLOAD + 1]).map(drop), too_large);
    let grant = approver.grant(&vec![7; MAX_PAYLOAD]).unwrap().send.remove(0);
    let Some(Event::Granted(payload)) = candidate.handle(&grant).unwrap().event else { panic!("granted") };
    assert_eq!(payload.len(), MAX_PAYLOAD);
}

/// A server that swaps the messages of two linkings, or plays one side itself.
#[test]
fn in_the_middle() {
    for is_pairing in [false, true] {
        let link = |seed| {
            let (link, pairing) = (link_code(seed), pairing_code(seed));
            if is_pairing { by_pairing(&pairing, &pairing) } else { by_link_code(&link, &link) }
        };
        let (mut ours, theirs) = (link(1), link(2));
        ours.to_candidate = theirs.to_candidate;
        ours.approver = theirs.approver;
        ours.run(None);
        assert_eq!(ours.errors.0, Some(LinkingError::WrongCode));
        assert_eq!((ours.requested, ours.granted), (None, None));
    }
    // One's own share is no other side's.
    let code = pairing_code(1);
    let mut candidate = Candidate::with_pairing(&code, SERVER, vec![], &mut entropy(1)).unwrap();
    let own = candidate.start().remove(0);
    assert!(matches!(candidate.handle(&own), Err(LinkingError::Unexpected { .. })));
}

fn any_fault() -> impl Strategy<Value = Fault> {
    let index = any::<prop::sample::Index>;
    prop_oneof![
        index().prop_map(Fault::Truncate),
        Just(Fault::Extend),
        (index(), 1_u8..).prop_map(|(at, bits)| Fault::Flip(at, bits)),
        Just(Fault::Repeat),
        Just(Fault::Drop),
        Just(Fault::Delay),
        Just(Fault::Reflect),
    ]
}

proptest! {
    /// Whatever the server does to a message, the linking does not end well for both, nothing but what was
    /// sent is received, and who failed stays closed.
    #[test]
    fn faults_end_the_linking(is_pairing: bool, at in 0_usize..7, fault in any_fault()) {
        let mut linking = either(is_pairing);
        let count = linking.run(Some((at, fault)));
        let last = if is_pairing { 6 } else { 4 };
        if at > last {
            prop_assert_eq!(linking.finished, (true, true));
            return Ok(());
        }
        prop_assert!(count > at);
        match fault {
            // All came through; the double of grant or done, or done reflected, finds a closed machine.
            Fault::Repeat | Fault::Delay | Fault::Reflect
                if at == last || (at + 1 == last && !matches!(fault, Fault::Reflect)) =>
            {
                prop_assert_eq!(linking.finished, (true, true));
                let closed = Some(LinkingError::Closed);
                prop_assert!(linking.errors == (closed, None) || linking.errors == (None, closed));
            }
            // What is dropped is waited for, or missed at the next message.
            Fault::Drop => prop_assert!(!linking.finished.1),
            _ => {
                prop_assert!(linking.errors != (None, None));
                prop_assert!(linking.finished != (true, true));
            }
        }
        prop_assert!(linking.granted.is_none_or(|grant| grant == GRANT));
        prop_assert!(linking.requested.is_none_or(|request| request == REQUEST));
    }

    #[test]
    fn garbage_ends_the_linking(
        is_pairing: bool,
        tag in 0_u8..8,
        body in prop::collection::vec(any::<u8>(), 0..100),
    ) {
        let message = [vec![tag], body].concat();
        let mut linking = either(is_pairing);
        // Only a share can be any point of the curve; what it leads to is no common secret.
        let is_share = is_pairing && tag == 1;
        prop_assert!(linking.candidate.handle(&message).is_err() || is_share);
        prop_assert!(linking.approver.handle(&message).is_err() || is_share);
    }
}
