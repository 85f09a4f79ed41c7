//! What people do.

use anyhow::Result;
use diario_engine::{ConversationRow, Engine, Settings};
use diario_protocol::AccountId;

use super::journal::Kind;
use super::plan::DAY_MS;
use super::world::{Due, World};

/// Out of how many an operation is drawn.
const DRAWN: usize = 120;

/// What people do, by kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// One message.
    Say,
    /// Up to 13 messages.
    SayMuch,
    /// Up to some message.
    Read,
    /// A direct conversation begins.
    Direct,
    /// A group begins.
    Group,
    /// Somebody comes into a group, goes out of it, or leaves.
    ChangeMembers,
    /// A new device is let in.
    Link,
    /// A device is removed.
    Revoke,
    /// A device becomes a primary one, or ceases to be.
    PromoteOrDemote,
    /// A device fills its store anew.
    Rebuild,
    /// A recovery key is made.
    RecoveryKey,
    /// All devices are lost, and a new one recovers the account.
    LoseEverything,
    /// A draft, a pin, a title, a device's name.
    Arrange,
    /// Receipts are given or not.
    Receipts,
    /// Typing is shown.
    Type,
    /// When siblings were seen is asked.
    AskLastSeen,
    /// An edit, a reaction, a deletion.
    SayAbout,
    /// For how long the server keeps a conversation.
    Retain,
    /// A contact is verified, or not any more.
    Verify,
    /// The past is looked at, or how it is fetched is chosen.
    LookBack,
    /// A chat of another messenger is imported, maybe once more.
    Import,
    /// What failed is sent again.
    Retry,
    /// What waits or failed is dropped.
    Discard,
}

impl Operation {
    /// All of them.
    pub const ALL: [Self; 23] = [
        Self::Say,
        Self::SayMuch,
        Self::Read,
        Self::Direct,
        Self::Group,
        Self::ChangeMembers,
        Self::Link,
        Self::Revoke,
        Self::PromoteOrDemote,
        Self::Rebuild,
        Self::RecoveryKey,
        Self::LoseEverything,
        Self::Arrange,
        Self::Receipts,
        Self::Type,
        Self::AskLastSeen,
        Self::SayAbout,
        Self::Retain,
        Self::Verify,
        Self::LookBack,
        Self::Import,
        Self::Retry,
        Self::Discard,
    ];

    /// As often as people do them: of a number below [`DRAWN`].
    fn drawn(number: usize) -> Self {
        match number {
            0..38 => Self::Say,
            38..42 => Self::SayMuch,
            42..52 => Self::Read,
            52..57 => Self::Direct,
            57..62 => Self::Group,
            62..70 => Self::ChangeMembers,
            70..76 => Self::Link,
            76..79 => Self::Revoke,
            79..82 => Self::PromoteOrDemote,
            82..84 => Self::Rebuild,
            84..87 => Self::RecoveryKey,
            87..89 => Self::LoseEverything,
            89..97 => Self::Arrange,
            97 => Self::Receipts,
            98 => Self::Type,
            99 => Self::AskLastSeen,
            100..106 => Self::SayAbout,
            106..108 => Self::Retain,
            108..110 => Self::Verify,
            110..114 => Self::LookBack,
            114..117 => Self::Import,
            117 => Self::Retry,
            _ => Self::Discard,
        }
    }
}

impl World {
    /// Somebody does something, and the next one is arranged for.
    pub(crate) fn operate_next(&mut self) -> Result<()> {
        if self.operations_left == 0 {
            return Ok(());
        }
        self.operations_left -= 1;
        if self.hostile && self.random.one_in(self.plan.fault_one_in) {
            self.fault()?;
        }
        self.operate()?;
        let mut pause = self.random.bits() % (2 * self.plan.pause_ms);
        if self.random.one_in(self.plan.long_pause_one_in) {
            pause = self.random.bits() % (10 * DAY_MS);
        }
        self.in_ms(pause, Due::Operate);
        Ok(())
    }

    /// A device that runs and is in an account.
    pub(crate) fn some_peer(&mut self) -> Option<usize> {
        let able: Vec<usize> =
            (0..self.peers.len()).filter(|p| self.peers[*p].identity().is_some()).collect();
        (!able.is_empty()).then(|| able[self.random.below(able.len())])
    }

    /// Devices of a person that run and are in the account, and were not cut off.
    pub(super) fn devices_of(&self, person: usize) -> Vec<usize> {
        let ours = |p: &usize| {
            self.peers[*p].person == person
                && self.peers[*p].identity().is_some()
                && !self.oracle.cut_off.contains_key(p)
        };
        (0..self.peers.len()).filter(ours).collect()
    }

    pub(super) fn primary_of(&mut self, person: usize) -> Option<usize> {
        let mut able = self.devices_of(person);
        able.retain(|p| self.peers[*p].engine.as_ref().is_some_and(Engine::is_primary));
        (!able.is_empty()).then(|| able[self.random.below(able.len())])
    }

    fn rows(&self, peer: usize) -> Result<Vec<ConversationRow>> {
        let Some(engine) = &self.peers[peer].engine else { return Ok(Vec::new()) };
        Ok(engine.conversation_rows()?)
    }

    pub(super) fn some_row(&mut self, peer: usize) -> Result<Option<ConversationRow>> {
        let mut rows = self.rows(peer)?;
        rows.retain(|row| row.open);
        if rows.is_empty() {
            return Ok(None);
        }
        let chosen = self.random.below(rows.len());
        Ok(Some(rows.swap_remove(chosen)))
    }

    /// An account of another person.
    pub(super) fn somebody_else(&mut self, peer: usize) -> Result<Option<AccountId>> {
        let me = self.peers[peer].person;
        let others: Vec<usize> = (0..self.peers.len()).filter(|p| self.peers[*p].person != me).collect();
        if others.is_empty() {
            return Ok(None);
        }
        let other = others[self.random.below(others.len())];
        self.peers[other].stored_account()
    }

    fn operate(&mut self) -> Result<()> {
        let Some(peer) = self.some_peer() else { return Ok(()) };
        let operation = Operation::drawn(self.random.below(DRAWN));
        self.perform(peer, operation)
    }

    /// Somebody does this, with this device or another of theirs that may.
    pub(crate) fn perform(&mut self, peer: usize, operation: Operation) -> Result<()> {
        match operation {
            Operation::Say => self.say(peer, 1),
            Operation::SayMuch => {
                let n = 2 + self.random.below(12);
                self.say(peer, n)
            }
            Operation::Read => self.read(peer),
            Operation::Direct => self.direct(peer),
            Operation::Group => self.group(peer),
            Operation::ChangeMembers => self.change_members(peer),
            Operation::Link => self.link(peer),
            Operation::Revoke => self.revoke(peer),
            Operation::PromoteOrDemote => self.promote_or_demote(peer),
            Operation::Rebuild => {
                self.note_of(peer, Kind::Operation, "is rebuilt".into());
                self.marks.hit("a device was rebuilt");
                self.peers[peer].goes_back();
                self.command(peer, Engine::rebuild)?;
                Ok(())
            }
            Operation::RecoveryKey => self.recovery_key(peer),
            Operation::LoseEverything => self.lose_everything(peer),
            Operation::Arrange => self.arrange(peer),
            Operation::Receipts => {
                let receipts = self.random.one_in(2);
                self.note_of(peer, Kind::Operation, format!("sets receipts to {receipts}"));
                self.command(peer, |engine, now| engine.set_settings(Settings { receipts }, now))?;
                Ok(())
            }
            Operation::Type => self.typing(peer),
            Operation::AskLastSeen => {
                self.note_of(peer, Kind::Operation, "asks when its siblings were there".into());
                self.command(peer, Engine::ask_last_seen)?;
                Ok(())
            }
            Operation::SayAbout => self.say_about(peer),
            Operation::Retain => self.retain(peer),
            Operation::Verify => self.verify(peer),
            Operation::LookBack => self.look_back(peer),
            Operation::Import => self.import(peer),
            Operation::Retry => self.retry(peer).map(drop),
            Operation::Discard => self.discard(peer),
        }
    }
}
