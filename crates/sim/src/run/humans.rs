//! What people do when a device tells them something: linking and recovery take several steps of several devices.

use anyhow::Result;
use diario_engine::recovery::{Keep, RecoverySecret};
use diario_engine::{Engine, Event, GroupChange, LinkingStep, RecoveryStep};
use diario_protocol::{AccountId, AccountRef, ConversationId, ConversationKind};

use super::frames::short;
use super::journal::Kind;
use super::peer::Purpose;
use super::world::{Due, URL, World};

/// After so long somebody sees that a device's time has run out.
const HOUR: u64 = 60 * 60 * 1000;

/// The next step of somebody.
#[derive(Debug)]
pub(crate) enum Human {
    /// Types or scans the code that a candidate shows.
    Approve { approver: usize, code: String },
    /// Says yes or no to the device that asks.
    Confirm { approver: usize },
    /// Begins anew what a device is there for.
    Again { peer: usize },
    /// Vouches for a device whose time has run out.
    Renew { peer: usize },
    /// Lets an account into a group again that it was taken out of while it wrote something.
    TakeIn { conversation: ConversationId, account: AccountId },
    /// What failed because the account was out is sent again when it is in, if that is in so many looks.
    SendAgain { peer: usize, looks: u32 },
    /// Chooses which devices stay, and recovers.
    Recover { peer: usize, keep: bool },
}

impl World {
    /// Looks at what an engine tells.
    pub(crate) fn heard(&mut self, peer: usize, event: &Event) -> Result<()> {
        match event {
            Event::Message { conversation, seq, id, .. } => {
                self.oracle.placed(*conversation, *seq, *id)?;
            }
            Event::Sent { conversation, id, seq } => {
                self.oracle.placed(*conversation, *seq, *id)?;
                if let Some(said) = self.oracle.said.get_mut(id) {
                    said.acked = true;
                }
            }
            Event::Failed { conversation, id: Some(id), refusal } => {
                self.check_failure(peer, *conversation, refusal)?;
                if let Some(said) = self.oracle.said.get_mut(id) {
                    said.excused = true;
                }
            }
            Event::Misbehaviour { .. } if !self.peers[peer].wire.as_ref().is_some_and(|w| w.harmed) => {
                anyhow::bail!(
                    "{}: sees misbehaviour where everybody is honest: {event:?}",
                    self.peers[peer].name
                );
            }
            _ => {}
        }
        self.note_of(peer, Kind::Event, told(event));
        match event {
            Event::Linking(step) => self.linking(peer, step),
            Event::Recovery(step) => self.recovering(peer, step),
            Event::Failed { conversation, id: Some(_), .. } => {
                if let Some((account, _)) = self.peers[peer].identity() {
                    let take_in = Human::TakeIn { conversation: *conversation, account };
                    self.in_ms(5 * self.plan.pause_ms, Due::Human(take_in));
                }
                self.look_again(peer, 8);
                Ok(())
            }
            Event::Expired => {
                self.marks.hit("a device's time ran out");
                self.peers[peer].unbroken = false;
                self.in_ms(HOUR, Due::Human(Human::Renew { peer }));
                Ok(())
            }
            Event::Ready(_) if self.peers[peer].purpose != Purpose::Member => {
                let was = std::mem::replace(&mut self.peers[peer].purpose, Purpose::Member);
                self.peers[peer].ready_ms = self.clock.elapsed_ms();
                self.marks.hit(match was {
                    Purpose::Recovering { .. } => "a device was recovered from nothing",
                    _ => "a device was linked",
                });
                self.note_cut_offs()
            }
            _ => Ok(()),
        }
    }

    fn linking(&mut self, peer: usize, step: &LinkingStep) -> Result<()> {
        let pause = 50 + self.random.bits() % 4_000;
        match step {
            LinkingStep::Code { code, .. } => {
                if let Purpose::Candidate { approver } = self.peers[peer].purpose {
                    self.in_ms(pause, Due::Human(Human::Approve { approver, code: code.clone() }));
                }
            }
            LinkingStep::Requested { .. } => self.in_ms(pause, Due::Human(Human::Confirm { approver: peer })),
            LinkingStep::Failed(_) => {
                self.marks.hit("a linking failed");
                self.peers[peer].failed_linkings += 1;
                if matches!(self.peers[peer].purpose, Purpose::Candidate { .. }) {
                    // People try less and less often.
                    let pause = pause << self.peers[peer].failed_linkings.min(10);
                    self.in_ms(pause, Due::Human(Human::Again { peer }));
                }
            }
            LinkingStep::Done { .. } => {
                if self.peers[peer].failed_linkings > 0 {
                    self.marks.hit("a linking failed half-way and a later one succeeded");
                }
            }
        }
        Ok(())
    }

    fn recovering(&mut self, peer: usize, step: &RecoveryStep) -> Result<()> {
        let pause = 50 + self.random.bits() % 4_000;
        match step {
            RecoveryStep::Opened { .. } => {
                let keep = self.random.one_in(3);
                self.in_ms(pause, Due::Human(Human::Recover { peer, keep }));
            }
            RecoveryStep::Failed(_) => self.in_ms(pause, Due::Human(Human::Again { peer })),
            RecoveryStep::Done { .. } => self.note_cut_offs()?,
            RecoveryStep::Methods => {}
        }
        Ok(())
    }

    /// Somebody goes on.
    pub(crate) fn go_on(&mut self, human: Human) -> Result<()> {
        match human {
            Human::Approve { approver, code } => {
                self.note_of(approver, Kind::Operation, "is given a code to approve".into());
                self.command(approver, |engine, now| engine.approve(&code, now))?;
            }
            Human::Confirm { approver } => {
                let admit = !self.random.one_in(10);
                self.note_of(approver, Kind::Operation, format!("is told to admit: {admit}"));
                self.command(approver, |engine, now| engine.confirm_link(admit, now))?;
            }
            Human::Again { peer } => self.begin_again(peer)?,
            Human::Renew { peer } => self.renew(peer)?,
            Human::TakeIn { conversation, account } => self.take_in(conversation, account)?,
            Human::SendAgain { peer, looks } => {
                if !self.retry(peer)? && looks > 0 {
                    self.look_again(peer, looks - 1);
                }
            }
            Human::Recover { peer, keep } => {
                let keep = if keep { Keep::All } else { Keep::None };
                self.note_of(peer, Kind::Operation, format!("recovers, keeping {keep:?}"));
                self.command(peer, |engine, now| engine.finish_recovery(&keep, now))?;
            }
        }
        Ok(())
    }

    fn take_in(&mut self, id: ConversationId, account: AccountId) -> Result<()> {
        for peer in 0..self.peers.len() {
            let p = &self.peers[peer];
            let Some(engine) = p.engine.as_ref().filter(|_| !self.oracle.cut_off.contains_key(&peer)) else {
                continue;
            };
            let row = engine.conversation_row(id)?;
            if row.is_none_or(|row| !row.open || row.kind != ConversationKind::Group) {
                continue;
            }
            self.note_of(peer, Kind::Operation, format!("lets {} in again", short(&account)));
            let change = GroupChange::Add(vec![account]);
            self.command(peer, |engine, now| engine.change_group(id, &change, now))?;
            break;
        }
        Ok(())
    }

    fn look_again(&mut self, peer: usize, looks: u32) {
        let pause = 10 * self.plan.pause_ms;
        self.in_ms(pause, Due::Human(Human::SendAgain { peer, looks }));
    }

    /// A device without an account begins with what it is there for.
    pub(crate) fn begin_again(&mut self, peer: usize) -> Result<()> {
        if self.peers[peer].identity().is_some() || self.peers[peer].lost {
            return Ok(());
        }
        let name = self.peers[peer].name.clone();
        match self.peers[peer].purpose.clone() {
            Purpose::Member => {
                let username = format!("person{}", self.peers[peer].person);
                self.command(peer, |engine, now| engine.register(URL, &username, &name, None, now))?;
            }
            Purpose::Candidate { .. } => {
                let qr = self.random.one_in(2);
                self.command(peer, |engine, now| engine.link(URL, &name, qr, now))?;
            }
            Purpose::Recovering { words } => {
                let secret = RecoverySecret::from_words(&words)?;
                let account = AccountRef::Name(format!("person{}", self.peers[peer].person).parse()?);
                self.command(peer, |engine, now| engine.begin_recovery(URL, &account, &secret, &name, now))?;
            }
        }
        Ok(())
    }

    /// Devices that never came into an account are given up.
    pub(crate) fn give_up_candidates(&mut self) -> Result<()> {
        for peer in 0..self.peers.len() {
            if matches!(self.peers[peer].purpose, Purpose::Candidate { .. })
                && self.peers[peer].identity().is_none()
            {
                self.note_of(peer, Kind::Operation, "is given up".into());
                self.input(peer, Engine::cancel_link)?;
                self.peers[peer].kill();
                self.peers[peer].lost = true;
            }
        }
        Ok(())
    }
}

fn told(event: &Event) -> String {
    let mut words = format!("{event:?}");
    if words.len() > 160 {
        let end = (0..=160).rev().find(|n| words.is_char_boundary(*n)).unwrap_or(0);
        words.truncate(end);
        words.push('…');
    }
    words
}
