//! What people do.

use anyhow::Result;
use diario_engine::recovery::WordLanguage;
use diario_engine::{Arrangement, ConversationRow, Draft, Engine, GroupChange, Settings};
use diario_protocol::{AccountId, ConversationId, ConversationKind, DeviceId, RecoveryId, Seq};

use super::frames::short;
use super::journal::Kind;
use super::oracle::Said;
use super::peer::{Peer, Purpose};
use super::world::{Due, World};

/// Devices that one person has at most.
const DEVICES: usize = 5;
/// Devices of a whole run at most, lost ones too.
const PEERS: usize = 16;

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
}

impl Operation {
    /// All of them.
    pub const ALL: [Self; 16] = [
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
    ];

    /// As often as people do them: of a number below 100.
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
            _ => Self::AskLastSeen,
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
            pause = self.random.bits() % (10 * 24 * 60 * 60 * 1000);
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
    fn devices_of(&self, person: usize) -> Vec<usize> {
        let ours = |p: &usize| {
            self.peers[*p].person == person
                && self.peers[*p].identity().is_some()
                && !self.oracle.cut_off.contains_key(p)
        };
        (0..self.peers.len()).filter(ours).collect()
    }

    fn primary_of(&mut self, person: usize) -> Option<usize> {
        let mut able = self.devices_of(person);
        able.retain(|p| self.peers[*p].engine.as_ref().is_some_and(Engine::is_primary));
        (!able.is_empty()).then(|| able[self.random.below(able.len())])
    }

    fn rows(&self, peer: usize) -> Result<Vec<ConversationRow>> {
        let Some(engine) = &self.peers[peer].engine else { return Ok(Vec::new()) };
        Ok(engine.conversation_rows()?)
    }

    fn some_row(&mut self, peer: usize) -> Result<Option<ConversationRow>> {
        let mut rows = self.rows(peer)?;
        rows.retain(|row| row.open);
        if rows.is_empty() {
            return Ok(None);
        }
        let chosen = self.random.below(rows.len());
        Ok(Some(rows.swap_remove(chosen)))
    }

    /// An account of another person.
    fn somebody_else(&mut self, peer: usize) -> Result<Option<AccountId>> {
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
        let operation = Operation::drawn(self.random.below(100));
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
        }
    }

    /// Says some things in some conversation.
    fn say(&mut self, peer: usize, times: usize) -> Result<()> {
        let Some(row) = self.some_row(peer)? else { return self.direct(peer) };
        for _ in 0..times {
            self.oracle.said_in_all += 1;
            let text = format!("message {}", self.oracle.said_in_all);
            self.note_of(peer, Kind::Operation, format!("says “{text}” in {}", short(&row.id)));
            let draft = Draft::Text(text.clone());
            if let Some(id) = self.command(peer, |engine, now| engine.send(row.id, &draft, now))? {
                let said = Said { peer, text, acked: false, excused: false };
                self.oracle.said.insert(id, said);
            }
        }
        Ok(())
    }

    fn read(&mut self, peer: usize) -> Result<()> {
        let Some(row) = self.some_row(peer)? else { return Ok(()) };
        if row.head.0 == 0 {
            return Ok(());
        }
        let seq = Seq(1 + self.random.bits() % row.head.0);
        self.note_of(peer, Kind::Operation, format!("has read {} up to {}", short(&row.id), seq.0));
        self.command(peer, |engine, now| engine.mark_read(row.id, seq, now))?;
        Ok(())
    }

    fn direct(&mut self, peer: usize) -> Result<()> {
        let Some(other) = self.somebody_else(peer)? else { return Ok(()) };
        self.note_of(peer, Kind::Operation, "begins a direct conversation".into());
        self.command(peer, |engine, now| engine.direct(other, now))?;
        Ok(())
    }

    fn group(&mut self, peer: usize) -> Result<()> {
        let mut with = Vec::new();
        for _ in 0..=self.random.below(2) {
            with.extend(self.somebody_else(peer)?);
        }
        with.sort_unstable();
        with.dedup();
        self.note_of(peer, Kind::Operation, format!("makes a group with {} others", with.len()));
        self.command(peer, |engine, now| engine.create_conversation("a group", &with, now))?;
        Ok(())
    }

    fn change_members(&mut self, peer: usize) -> Result<()> {
        let Some(row) = self.some_row(peer)? else { return Ok(()) };
        if row.kind != ConversationKind::Group {
            return self.group(peer);
        }
        let Some(other) = self.somebody_else(peer)? else { return Ok(()) };
        let members = match &self.peers[peer].engine {
            Some(engine) => engine.members(row.id)?,
            None => return Ok(()),
        };
        let inside = members.iter().any(|m| m.account == other);
        let change = match self.random.below(8) {
            0 => GroupChange::Leave,
            _ if inside => GroupChange::Remove(vec![other]),
            _ => GroupChange::Add(vec![other]),
        };
        let words = match change {
            GroupChange::Leave => "leaves",
            GroupChange::Remove(_) => "removes somebody from",
            GroupChange::Add(_) => "adds somebody to",
        };
        self.note_of(peer, Kind::Operation, format!("{words} {}", short(&row.id)));
        let done = self.command(peer, |engine, now| engine.change_group(row.id, &change, now))?;
        match (done, change) {
            (Some(()), GroupChange::Leave) => self.marks.hit("a conversation was left by its member"),
            (Some(()), GroupChange::Remove(_)) => self.marks.hit("a member was removed"),
            _ => {}
        }
        Ok(())
    }

    fn link(&mut self, peer: usize) -> Result<()> {
        let person = self.peers[peer].person;
        let Some(approver) = self.primary_of(person) else { return Ok(()) };
        if self.devices_of(person).len() >= DEVICES || self.peers.len() >= PEERS {
            return Ok(());
        }
        let number = self.peers.iter().filter(|p| p.person == person).count();
        let name = format!("{person}-device{number}");
        self.note_of(approver, Kind::Operation, format!("is to link {name}"));
        self.add_peer(&name, person, Purpose::Candidate { approver })?;
        Ok(())
    }

    /// Another device of the same person.
    pub(crate) fn sibling_of(&self, peer: usize) -> Option<usize> {
        self.devices_of(self.peers[peer].person).into_iter().find(|p| *p != peer)
    }

    /// A sibling, by its id.
    fn sibling(&mut self, peer: usize) -> Option<DeviceId> {
        let mut siblings = self.devices_of(self.peers[peer].person);
        siblings.retain(|p| *p != peer);
        if siblings.is_empty() {
            return None;
        }
        let chosen = siblings[self.random.below(siblings.len())];
        self.peers[chosen].identity().map(|(_, device)| device)
    }

    fn revoke(&mut self, peer: usize) -> Result<()> {
        let Some(primary) = self.primary_of(self.peers[peer].person) else { return Ok(()) };
        let Some(device) = self.sibling(primary) else { return Ok(()) };
        self.note_of(primary, Kind::Operation, format!("revokes {}", short(&device)));
        self.command(primary, |engine, now| engine.revoke(device, now))?;
        self.list_of_a_rival(primary)
    }

    /// Another primary, where there is one, vouches for a linked device in the same moment: two lists race.
    fn list_of_a_rival(&mut self, primary: usize) -> Result<()> {
        let mine = self.devices_of(self.peers[primary].person);
        let (primaries, linked): (Vec<_>, Vec<_>) =
            mine.into_iter().partition(|p| self.peers[*p].engine.as_ref().is_some_and(Engine::is_primary));
        let Some(rival) = primaries.into_iter().find(|p| *p != primary) else { return Ok(()) };
        let linked: Vec<_> = linked.iter().filter_map(|p| self.peers[*p].identity()).collect();
        if linked.is_empty() {
            return Ok(());
        }
        let (_, device) = linked[self.random.below(linked.len())];
        self.note_of(rival, Kind::Operation, format!("renews {}", short(&device)));
        self.command(rival, |engine, now| engine.renew(device, now))?;
        Ok(())
    }

    /// Makes every device of a person a primary one.
    pub(crate) fn promote_siblings(&mut self, primary: usize) -> Result<()> {
        for peer in self.devices_of(self.peers[primary].person) {
            let Some((_, device)) = self.peers[peer].identity().filter(|_| peer != primary) else { continue };
            self.command(primary, |engine, now| engine.promote(device, now))?;
        }
        Ok(())
    }

    fn promote_or_demote(&mut self, peer: usize) -> Result<()> {
        let Some(primary) = self.primary_of(self.peers[peer].person) else { return Ok(()) };
        let Some(device) = self.sibling(primary) else { return Ok(()) };
        let mut what = self.random.below(4);
        let is_lost = |p: &Peer| p.lost && p.identity().is_some_and(|(_, its)| its == device);
        if what == 0 && self.peers.iter().any(is_lost) {
            // Nobody gives their role to what lies at the bottom of the sea.
            what = 2;
        }
        let words = ["hands over to", "demotes", "promotes", "promotes"][what];
        self.note_of(primary, Kind::Operation, format!("{words} {}", short(&device)));
        let done = self.command(primary, |engine, now| match what {
            0 => engine.hand_over(device, now),
            1 => engine.demote(device, now),
            _ => engine.promote(device, now),
        })?;
        if done.is_some() && what != 1 {
            self.marks.hit("a device was promoted");
        }
        self.list_of_a_rival(primary)
    }

    fn recovery_key(&mut self, peer: usize) -> Result<()> {
        let Some(primary) = self.primary_of(self.peers[peer].person) else { return Ok(()) };
        self.note_of(primary, Kind::Operation, "makes a recovery key".into());
        let Some(key) =
            self.command(primary, |engine, now| engine.make_recovery_key(WordLanguage::English, now))?
        else {
            return Ok(());
        };
        let words: Vec<_> = key.asked.iter().map(|n| key.words[usize::from(*n) - 1].clone()).collect();
        if let Some(id) = self.command(primary, |engine, now| engine.confirm_recovery_key(&words, now))? {
            self.recovery_words.insert(id, key.words.join(" "));
        }
        Ok(())
    }

    /// All devices of a person are at the bottom of the sea; a new one recovers the account.
    fn lose_everything(&mut self, peer: usize) -> Result<()> {
        let person = self.peers[peer].person;
        if self.peers.len() >= PEERS {
            return Ok(());
        }
        let Some(words) = self.stored_recovery_words(person)? else { return Ok(()) };
        for p in 0..self.peers.len() {
            if self.peers[p].person == person {
                self.note_of(p, Kind::Operation, "is lost".into());
                self.peers[p].kill();
                self.peers[p].lost = true;
                self.oracle.went_back(p);
            }
        }
        let number = self.peers.iter().filter(|p| p.person == person).count();
        let name = format!("{person}-device{number}");
        self.add_peer(&name, person, Purpose::Recovering { words })?;
        Ok(())
    }

    /// The words of a recovery key that is in the person's vault, and is not about to be replaced.
    fn stored_recovery_words(&mut self, person: usize) -> Result<Option<String>> {
        let Some(account) = self.devices_of(person).first().and_then(|p| self.peers[*p].identity()) else {
            return Ok(None);
        };
        let truth = self.truth()?;
        let mut statement = truth.prepare("SELECT method FROM vault WHERE account = ?1")?;
        let stored = statement.query_map([account.0.as_bytes()], |row| row.get::<_, [u8; 16]>(0))?;
        let stored: Vec<RecoveryId> =
            stored.map(|id| id.map(RecoveryId::new)).collect::<rusqlite::Result<_>>()?;
        let [only] = stored.as_slice() else { return Ok(None) };
        Ok(self.recovery_words.get(only).cloned())
    }

    fn arrange(&mut self, peer: usize) -> Result<()> {
        let Some(row) = self.some_row(peer)? else { return Ok(()) };
        let id: ConversationId = row.id;
        let which = short(&id);
        let number = self.random.below(1000);
        match self.random.below(4) {
            0 => {
                self.note_of(peer, Kind::Operation, format!("drafts in {which}"));
                self.command(peer, |engine, now| engine.set_draft(id, &format!("draft {number}"), now))?;
            }
            1 => {
                self.note_of(peer, Kind::Operation, format!("pins or mutes {which}"));
                let arrangement =
                    Arrangement { pinned: number.is_multiple_of(2), muted: number.is_multiple_of(3) };
                self.command(peer, |engine, now| engine.arrange(id, arrangement, now))?;
            }
            2 => {
                self.note_of(peer, Kind::Operation, format!("names {which}"));
                self.command(peer, |engine, now| {
                    engine.rename_conversation(id, &format!("name {number}"), now)
                })?;
            }
            _ => {
                let Some((_, device)) = self.peers[peer].identity() else { return Ok(()) };
                let name = format!("device {}", self.random.below(1000));
                self.note_of(peer, Kind::Operation, "is renamed".into());
                self.command(peer, |engine, now| engine.rename_device(device, &name, now))?;
            }
        }
        Ok(())
    }

    fn typing(&mut self, peer: usize) -> Result<()> {
        let Some(row) = self.some_row(peer)? else { return Ok(()) };
        self.command(peer, |engine, now| engine.typing(row.id, now))?;
        Ok(())
    }
}
