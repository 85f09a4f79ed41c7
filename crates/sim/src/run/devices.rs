//! What people do with their devices: they let new ones in, take them out, lose them.

use anyhow::Result;
use diario_engine::Engine;
use diario_engine::recovery::WordLanguage;
use diario_protocol::{DeviceId, RecoveryId};

use super::frames::short;
use super::journal::Kind;
use super::peer::{Peer, Purpose};
use super::world::World;

/// Devices that one person has at most.
const DEVICES: usize = 5;
/// Devices of a whole run at most, lost ones too.
const PEERS: usize = 16;

impl World {
    pub(super) fn link(&mut self, peer: usize) -> Result<()> {
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

    pub(super) fn revoke(&mut self, peer: usize) -> Result<()> {
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
        self.vouch(rival, device)
    }

    fn vouch(&mut self, primary: usize, device: DeviceId) -> Result<()> {
        self.note_of(primary, Kind::Operation, format!("renews {}", short(&device)));
        self.command(primary, |engine, now| engine.renew(device, now))?;
        Ok(())
    }

    /// A primary vouches for a device whose time has run out.
    pub(super) fn renew(&mut self, peer: usize) -> Result<()> {
        let Some((_, device)) = self.peers[peer].identity() else { return Ok(()) };
        let Some(primary) = self.primary_of(self.peers[peer].person) else { return Ok(()) };
        self.vouch(primary, device)
    }

    /// Makes every device of a person a primary one.
    pub(crate) fn promote_siblings(&mut self, primary: usize) -> Result<()> {
        for peer in self.devices_of(self.peers[primary].person) {
            let Some((_, device)) = self.peers[peer].identity().filter(|_| peer != primary) else { continue };
            self.command(primary, |engine, now| engine.promote(device, now))?;
        }
        Ok(())
    }

    pub(super) fn promote_or_demote(&mut self, peer: usize) -> Result<()> {
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

    pub(super) fn recovery_key(&mut self, peer: usize) -> Result<()> {
        let Some(primary) = self.primary_of(self.peers[peer].person) else { return Ok(()) };
        self.note_of(primary, Kind::Operation, "makes a recovery key".into());
        let Some(key) =
            self.command(primary, |engine, now| engine.make_recovery_key(WordLanguage::English, now))?
        else {
            return Ok(());
        };
        let words = crate::asked_words(&key);
        if let Some(id) = self.command(primary, |engine, now| engine.confirm_recovery_key(&words, now))? {
            self.recovery_words.insert(id, key.words.join(" "));
        }
        Ok(())
    }

    /// All devices of a person are at the bottom of the sea; a new one recovers the account.
    pub(super) fn lose_everything(&mut self, peer: usize) -> Result<()> {
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
}
