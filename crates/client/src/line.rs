//! Where a connection of the browser's driver stands, and what to do next; without a browser.

use std::time::Duration;

use diario_engine::ConnectionState;
use diario_protocol::Timestamp;

use crate::backoff::Backoff;

/// How long a connection may take to come about, in milliseconds.
const CONNECT_MS: u64 = 10_000;
/// After so long without a frame the server is asked for one, in milliseconds. Its pings do not reach a page.
const QUIET_MS: u64 = 45_000;
/// How long it has to answer then, in milliseconds.
const ANSWER_MS: u64 = 15_000;
/// How long it has if there is a reason to doubt the connection: the machine slept, or the network went.
const DOUBT_MS: u64 = 5000;
/// A pause without network: the browser may be wrong, as about a server on this very machine.
const NO_NETWORK_MS: u64 = 30_000;

/// The connection to the server.
#[cfg_attr(not(target_family = "wasm"), expect(unreachable_pub, reason = "shown by the browser's driver"))]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connection {
    /// None is of use: there is no account, or this device was removed.
    Idle,
    /// Being made.
    Connecting,
    /// There, and what was missed comes in.
    CatchingUp,
    /// There, and up to date.
    Live,
    /// None; the next try is then.
    Waiting {
        /// When, by this machine's clock.
        until: Timestamp,
    },
    /// None: the browser says that there is no network.
    NoNetwork,
}

/// What the driver has to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// Make a connection.
    Connect,
    /// Close the one there is, or the one that is being made.
    Close,
    /// Ask the server for a sign of life.
    Probe,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Idle,
    Pause {
        until: Timestamp,
    },
    Opening {
        since: Timestamp,
    },
    Open {
        since: Timestamp,
        engine: ConnectionState,
        was_live: bool,
        heard: Timestamp,
        answer_by: Option<Timestamp>,
    },
}

/// The state of the connection.
#[derive(Debug)]
pub(crate) struct Line {
    state: State,
    online: bool,
    /// The server has nothing to say until a person does something, as while a code is shown.
    patient: bool,
    backoff: Backoff,
    /// When something was last done here.
    last: Timestamp,
}

impl Line {
    pub(crate) fn new(online: bool) -> Self {
        Self { state: State::Idle, online, patient: false, backoff: Backoff::new(), last: Timestamp(0) }
    }

    /// Whether silence means nothing, and cannot be tested.
    pub(crate) fn set_patient(&mut self, patient: bool) {
        self.patient = patient;
    }

    /// What is true of the connection.
    pub(crate) fn connection(&self) -> Connection {
        match self.state {
            State::Idle => Connection::Idle,
            State::Pause { .. } | State::Opening { .. } if !self.online => Connection::NoNetwork,
            State::Pause { until } => Connection::Waiting { until },
            State::Opening { .. } | State::Open { engine: ConnectionState::Offline, .. } => {
                Connection::Connecting
            }
            State::Open { engine: ConnectionState::CatchingUp, .. } => Connection::CatchingUp,
            State::Open { engine: ConnectionState::Live, .. } => Connection::Live,
        }
    }

    /// Whether the engine has a use for a connection.
    pub(crate) fn wanted(&mut self, wanted: bool, now: Timestamp) -> Option<Action> {
        self.clock_is(now);
        match (wanted, self.state) {
            (true, State::Idle) => Some(self.open(now)),
            (false, State::Opening { .. } | State::Open { .. }) => {
                self.state = State::Idle;
                Some(Action::Close)
            }
            (false, State::Pause { .. }) => {
                self.state = State::Idle;
                None
            }
            (true, _) | (false, State::Idle) => None,
        }
    }

    /// What the browser says of the network.
    pub(crate) fn online(&mut self, online: bool, now: Timestamp) -> Option<Action> {
        self.clock_is(now);
        self.online = online;
        match (online, self.state) {
            (true, State::Pause { .. }) => Some(self.open(now)),
            // The network is another one, or gone: whether the connection lives shows soon.
            (_, State::Open { .. }) => self.doubt(now),
            _ => None,
        }
    }

    /// Somebody wants a connection at once.
    pub(crate) fn hurry(&mut self, now: Timestamp) -> Option<Action> {
        self.clock_is(now);
        match self.state {
            State::Pause { .. } => Some(self.open(now)),
            State::Open { .. } => self.doubt(now),
            State::Idle | State::Opening { .. } => None,
        }
    }

    /// The connection has to be made anew.
    pub(crate) fn restart(&mut self, now: Timestamp) -> Option<Action> {
        self.clock_is(now);
        (self.state != State::Idle).then(|| self.open(now))
    }

    /// The connection stands.
    pub(crate) fn opened(&mut self, now: Timestamp) {
        self.clock_is(now);
        self.state = State::Open {
            since: now,
            engine: ConnectionState::Offline,
            was_live: false,
            heard: now,
            answer_by: None,
        };
    }

    /// The engine says how far it is.
    pub(crate) fn engine_is(&mut self, state: ConnectionState) {
        if let State::Open { engine, was_live, .. } = &mut self.state {
            *engine = state;
            *was_live |= state == ConnectionState::Live;
        }
    }

    /// A frame came.
    pub(crate) fn heard(&mut self, now: Timestamp) {
        self.clock_is(now);
        if let State::Open { heard, answer_by, .. } = &mut self.state {
            *heard = now;
            *answer_by = None;
        }
    }

    /// The connection, or the try to make one, is over.
    pub(crate) fn lost(&mut self, now: Timestamp, random: u64) {
        self.clock_is(now);
        match self.state {
            State::Open { since, was_live, .. } => {
                self.backoff.had(Duration::from_millis(now.ms_since(since)), was_live);
            }
            State::Opening { .. } => {}
            State::Idle | State::Pause { .. } => return,
        }
        let pause = u64::try_from(self.backoff.next(random).as_millis()).unwrap_or(u64::MAX);
        let pause = if self.online { pause } else { pause.max(NO_NETWORK_MS) };
        self.state = State::Pause { until: now.plus_ms(pause) };
    }

    /// The machine slept: who knows what became of the connection.
    pub(crate) fn slept(&mut self, now: Timestamp) -> Option<Action> {
        self.hurry(now)
    }

    /// What is due.
    pub(crate) fn tick(&mut self, now: Timestamp) -> Option<Action> {
        self.clock_is(now);
        match &mut self.state {
            State::Pause { until } if *until <= now => Some(self.open(now)),
            State::Opening { since } if since.plus_ms(CONNECT_MS) <= now => Some(Action::Close),
            State::Open { answer_by: Some(by), .. } if *by <= now => Some(Action::Close),
            State::Open { heard, answer_by: answer_by @ None, .. }
                if !self.patient && heard.plus_ms(QUIET_MS) <= now =>
            {
                *answer_by = Some(now.plus_ms(ANSWER_MS));
                Some(Action::Probe)
            }
            _ => None,
        }
    }

    /// When to call `tick` at the latest.
    pub(crate) fn deadline(&self) -> Option<Timestamp> {
        match self.state {
            State::Idle => None,
            State::Pause { until } => Some(until),
            State::Opening { since } => Some(since.plus_ms(CONNECT_MS)),
            State::Open { answer_by: Some(by), .. } => Some(by),
            State::Open { .. } if self.patient => None,
            State::Open { heard, .. } => Some(heard.plus_ms(QUIET_MS)),
        }
    }

    /// A clock that was set back takes the times that are kept here with it: else nothing would be due for as long
    /// as it was set back.
    fn clock_is(&mut self, now: Timestamp) {
        let back = self.last.ms_since(now);
        self.last = now;
        if back == 0 {
            return;
        }
        let shift = |at: &mut Timestamp| at.0 = at.0.saturating_sub(back);
        match &mut self.state {
            State::Idle => {}
            State::Pause { until: at } | State::Opening { since: at } => shift(at),
            State::Open { since, heard, answer_by, .. } => {
                shift(since);
                shift(heard);
                answer_by.iter_mut().for_each(shift);
            }
        }
    }

    fn open(&mut self, now: Timestamp) -> Action {
        self.state = State::Opening { since: now };
        Action::Connect
    }

    fn doubt(&mut self, now: Timestamp) -> Option<Action> {
        let State::Open { answer_by, .. } = &mut self.state else { return None };
        if answer_by.is_some() || self.patient {
            return None;
        }
        *answer_by = Some(now.plus_ms(DOUBT_MS));
        Some(Action::Probe)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(ms: u64) -> Timestamp {
        Timestamp(1_000_000 + ms)
    }

    /// A connection that is up to date.
    fn live() -> Line {
        let mut line = Line::new(true);
        assert_eq!(line.wanted(true, at(0)), Some(Action::Connect));
        line.opened(at(10));
        line.engine_is(ConnectionState::Live);
        line
    }

    #[test]
    fn the_status_follows_a_connection_from_the_first_try_to_its_end() {
        let mut line = Line::new(true);
        assert_eq!(line.connection(), Connection::Idle);
        assert_eq!(line.wanted(true, at(0)), Some(Action::Connect));
        assert_eq!(line.connection(), Connection::Connecting);
        line.opened(at(10));
        assert_eq!(line.connection(), Connection::Connecting);
        line.engine_is(ConnectionState::CatchingUp);
        assert_eq!(line.connection(), Connection::CatchingUp);
        line.engine_is(ConnectionState::Live);
        assert_eq!(line.connection(), Connection::Live);
        line.lost(at(100), 0);
        assert_eq!(line.connection(), Connection::Waiting { until: at(300) });
        assert_eq!(line.tick(at(299)), None);
        assert_eq!(line.tick(at(300)), Some(Action::Connect));
        assert_eq!(line.wanted(false, at(310)), Some(Action::Close));
        assert_eq!(line.connection(), Connection::Idle);
    }

    #[test]
    fn a_try_that_takes_too_long_is_given_up() {
        let mut line = Line::new(true);
        line.wanted(true, at(0));
        assert_eq!(line.deadline(), Some(at(10_000)));
        assert_eq!(line.tick(at(10_000)), Some(Action::Close));
        line.lost(at(10_000), 0);
        assert_eq!(line.connection(), Connection::Waiting { until: at(10_200) });
    }

    #[test]
    fn a_silent_server_is_asked_and_then_given_up() {
        let mut line = live();
        assert_eq!(line.deadline(), Some(at(45_010)));
        assert_eq!(line.tick(at(45_010)), Some(Action::Probe));
        assert_eq!(line.tick(at(45_011)), None);
        line.heard(at(45_050));
        assert_eq!(line.tick(at(60_010)), None);
        assert_eq!(line.tick(at(90_050)), Some(Action::Probe));
        assert_eq!(line.tick(at(105_050)), Some(Action::Close));
    }

    #[test]
    fn without_network_it_says_so_and_tries_as_soon_as_there_is() {
        let mut line = live();
        assert_eq!(line.online(false, at(100)), Some(Action::Probe));
        assert_eq!(line.connection(), Connection::Live, "it may live all the same");
        assert_eq!(line.tick(at(5100)), Some(Action::Close));
        line.lost(at(5100), 0);
        assert_eq!(line.connection(), Connection::NoNetwork);
        assert_eq!(line.deadline(), Some(at(35_100)), "the browser may be wrong");
        assert_eq!(line.online(true, at(6000)), Some(Action::Connect));
        assert_eq!(line.connection(), Connection::Connecting);
    }

    #[test]
    fn whoever_hurries_does_not_wait_and_does_not_disturb() {
        let mut line = live();
        line.lost(at(100), 0);
        assert_eq!(line.hurry(at(101)), Some(Action::Connect));
        assert_eq!(line.hurry(at(102)), None);
        line.opened(at(110));
        assert_eq!(line.hurry(at(111)), Some(Action::Probe));
        assert_eq!(line.hurry(at(112)), None, "one question is enough");
        line.heard(at(113));
        assert_eq!(line.tick(at(6000)), None);
    }

    #[test]
    fn a_code_that_is_shown_is_not_taken_away_by_silence() {
        let mut line = Line::new(true);
        line.set_patient(true);
        line.wanted(true, at(0));
        line.opened(at(10));
        assert_eq!(line.deadline(), None);
        assert_eq!(line.tick(at(1_000_000)), None);
        assert_eq!(line.hurry(at(1_000_000)), None);
    }

    #[test]
    fn a_connection_is_made_anew_where_there_is_one() {
        let mut line = live();
        assert_eq!(line.restart(at(100)), Some(Action::Connect));
        assert_eq!(line.connection(), Connection::Connecting);
        assert_eq!(Line::new(true).restart(at(0)), None);
    }

    #[test]
    fn a_machine_that_slept_tests_its_connection() {
        assert_eq!(live().slept(at(100)), Some(Action::Probe));
    }

    #[test]
    fn a_clock_that_is_set_back_holds_nothing_up() {
        let back = |ms: u64| Timestamp(500_000 + ms);
        let mut line = live();
        assert_eq!(line.tick(at(20)), None);
        assert_eq!(line.tick(back(20)), None);
        assert_eq!(line.deadline(), Some(back(45_010)));
        assert_eq!(line.tick(back(45_010)), Some(Action::Probe));
        assert_eq!(line.tick(Timestamp(10)), None);
        assert_eq!(line.tick(Timestamp(15_010)), Some(Action::Close));

        let mut line = live();
        line.lost(at(100), 0);
        assert_eq!(line.tick(back(100)), None);
        assert_eq!(line.connection(), Connection::Waiting { until: back(300) });
        assert_eq!(line.tick(back(300)), Some(Action::Connect));
        assert_eq!(line.tick(Timestamp(0)), None);
        assert_eq!(line.deadline(), Some(Timestamp(10_000)));
    }

    #[test]
    fn a_loss_that_is_told_twice_is_one() {
        let mut line = live();
        line.lost(at(100), 0);
        line.lost(at(150), 0);
        assert_eq!(line.connection(), Connection::Waiting { until: at(300) });
        assert_eq!(line.wanted(false, at(160)), None);
        assert_eq!(line.deadline(), None);
    }
}
