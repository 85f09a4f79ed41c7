//! What the server acknowledges stays, and nobody outside reads or writes.

use std::collections::{HashMap, HashSet};

use anyhow::{Context as _, Result, bail, ensure};
use diario_protocol::device_list::SignedDeviceList;
use diario_protocol::{
    AccountId, Bin, Body, ConversationId, DeviceId, Entry, Epoch, RecoveryId, Reply, Request, Seq,
    ServerFrame, SlotKey, SlotOutcome, SlotVersion, SlotWrite, VaultSeal, What,
};
use rusqlite::OptionalExtension as _;
use sha2::{Digest as _, Sha256};

use super::check::Members;
use super::frames::short;
use super::oracle::number;
use super::world::World;

type Digest = [u8; 32];

/// What the server acknowledged, of what is not an entry.
#[derive(Debug, Default)]
pub(super) struct Acked {
    slots: HashMap<(ConversationId, SlotKey), (SlotVersion, Digest)>,
    /// A slot of which one version was acknowledged with two values.
    forked: Option<ConversationId>,
    /// Signed device lists, as bytes.
    lists: HashSet<Vec<u8>>,
    /// Up to which epoch keys are sealed for a recovery method.
    vaults: HashMap<(AccountId, RecoveryId), Epoch>,
    /// Recovery methods that somebody asked the server to forget; whether it did, nobody may have heard.
    forgotten: HashSet<RecoveryId>,
}

impl Acked {
    /// Takes note of a request that leaves its device.
    pub(super) fn asked(&mut self, request: &Request) {
        if let Request::PutVault(put) = request {
            self.forgotten.extend(&put.remove);
        }
    }

    /// Takes note of an answer. Slots that come with a commit are not promised: one that is there already stays.
    pub(super) fn note(&mut self, by: AccountId, request: &Request, reply: &Reply) {
        match (request, reply) {
            (Request::PutSlots(put), Reply::SlotsPut(outcomes)) => {
                let stored = put.writes.iter().zip(outcomes).filter(|(_, o)| **o == SlotOutcome::Stored);
                self.slots(put.conversation, stored.map(|(write, _)| write));
            }
            (Request::PutDeviceList(list), Reply::Done) => {
                self.lists.insert(list.0.to_vec());
            }
            (Request::Recover(recover), Reply::LoggedIn(_)) => {
                self.lists.insert(recover.list.0.to_vec());
            }
            (Request::PutVault(put), Reply::Done) => {
                for method in &put.add {
                    self.vaults.entry((by, RecoveryId::of_key(&method.key))).or_default();
                }
                self.seals(by, put.epoch, &put.seals);
            }
            (Request::Commit(commit), Reply::Appended(_)) => {
                self.seals(by, Epoch(commit.epoch.0 + 1), &commit.vault);
            }
            _ => {}
        }
    }

    /// Seals for methods that are not there are passed over.
    fn seals(&mut self, account: AccountId, epoch: Epoch, seals: &[VaultSeal]) {
        for seal in seals {
            if let Some(newest) = self.vaults.get_mut(&(account, seal.method)) {
                *newest = (*newest).max(epoch);
            }
        }
    }

    fn slots<'a>(&mut self, conversation: ConversationId, writes: impl IntoIterator<Item = &'a SlotWrite>) {
        for write in writes {
            let acked = (write.version, Sha256::digest(&*write.body).into());
            let newest = self.slots.entry((conversation, write.key)).or_insert(acked);
            if newest.0 == acked.0 && newest.1 != acked.1 {
                self.forked = Some(conversation);
            }
            *newest = (*newest).max(acked);
        }
    }
}

/// Entries with their bodies that a frame shows.
fn shown(frame: &ServerFrame) -> Vec<&Entry> {
    let entries: Vec<&Entry> = match frame {
        ServerFrame::Reply(_, Reply::Log(page)) => page.entries.iter().chain(&page.about).collect(),
        ServerFrame::Changes(changes) => {
            let entries = changes.items.iter().filter_map(|change| match &change.what {
                What::Entry(entry) => Some(entry),
                _ => None,
            });
            entries.collect()
        }
        _ => Vec::new(),
    };
    entries.into_iter().filter(|entry| matches!(entry.body, Body::Present(_))).collect()
}

impl World {
    /// Takes note of what the server lets an account read.
    pub(super) fn note_shown(&mut self, peer: usize, frame: &ServerFrame) {
        let Some((account, _)) = self.peers[peer].identity() else { return };
        let entries = shown(frame).into_iter().map(|entry| (account, entry.conversation, entry.seq));
        self.oracle.told.extend(entries);
    }

    /// Slots, lists and vaults that were acknowledged are there, or newer ones.
    pub(super) fn check_acked(&self) -> Result<()> {
        if let Some(conversation) = self.oracle.acked.forked {
            bail!("a slot of {} has two values of one version, both acknowledged", short(&conversation));
        }
        let truth = self.truth()?;
        let mut version = truth
            .prepare("SELECT coalesce(max(version), 0) FROM slot WHERE conversation = ?1 AND key = ?2")?;
        for ((conversation, key), (acked, _)) in &self.oracle.acked.slots {
            let stored = version
                .query_row(rusqlite::params![conversation.as_bytes(), key.as_bytes()], |row| {
                    number(row, 0)
                })?;
            ensure!(
                stored >= acked.0,
                "lost: version {} of a slot of {} was acknowledged, and {stored} is stored",
                acked.0,
                short(conversation)
            );
        }
        let mut list = truth.prepare("SELECT 1 FROM device_list WHERE signed = ?1")?;
        for signed in &self.oracle.acked.lists {
            ensure!(list.exists([signed])?, "lost: a device list was acknowledged and is not stored");
        }
        let mut vault = truth.prepare("SELECT epoch FROM vault WHERE account = ?1 AND method = ?2")?;
        for ((account, method), acked) in &self.oracle.acked.vaults {
            if self.oracle.acked.forgotten.contains(method) {
                continue;
            }
            let key = rusqlite::params![account.as_bytes(), method.as_bytes()];
            let stored = vault.query_row(key, |row| number(row, 0)).optional()?;
            ensure!(
                stored.is_some_and(|stored| stored >= acked.0),
                "lost: a vault of {} was acknowledged in epoch {}, and is stored in {stored:?}",
                short(account),
                acked.0
            );
        }
        Ok(())
    }

    /// Whoever recovers has what every other device has: each vault is sealed in the newest epoch.
    pub(super) fn check_vaults(&self, listed: &[usize]) -> Result<()> {
        let truth = self.truth()?;
        let mut behind = truth.prepare(
            "SELECT v.epoch, c.epoch FROM vault AS v, conversation AS c
             WHERE v.account = ?1 AND c.id = ?2 AND v.epoch < c.epoch",
        )?;
        for number_of in listed {
            let peer = &self.peers[*number_of];
            let Some((account, _)) = peer.identity() else { continue };
            let own = ConversationId::of_self(account);
            let key = rusqlite::params![account.as_bytes(), own.as_bytes()];
            let found = behind.query_row(key, |row| Ok((number(row, 0)?, number(row, 1)?))).optional()?;
            ensure!(
                found.is_none(),
                "the vault of {} stays behind the account at rest: {found:?}",
                peer.name
            );
        }
        Ok(())
    }

    /// Whoever wrote something, or was shown it, was in the conversation then, with a device of their list.
    pub(super) fn check_outsiders(&self, members: &Members) -> Result<()> {
        let was_in = |conversation, account, seq| {
            members.times(conversation, account).iter().any(|time| time.has(seq))
        };
        let truth = self.truth()?;
        let mut devices = HashSet::new();
        let mut lists = truth.prepare("SELECT signed FROM device_list")?;
        for signed in lists.query_map([], |row| row.get::<_, Vec<u8>>(0))? {
            let list = SignedDeviceList(Bin(signed?)).validate().context("a stored list")?;
            devices.extend(list.list().devices.iter().map(|device| (list.account(), device.id())));
        }
        let mut written = truth.prepare("SELECT conversation, seq, account, device FROM log")?;
        let mut rows = written.query([])?;
        while let Some(row) = rows.next()? {
            let (conversation, seq) = (ConversationId::new(row.get(0)?), Seq(number(row, 1)?));
            let (account, device) = (AccountId::new(row.get(2)?), DeviceId::new(row.get(3)?));
            let by = format!("{} of {}, by {}", seq.0, short(&conversation), short(&account));
            ensure!(devices.contains(&(account, device)), "{by}: its device was in no list");
            ensure!(was_in(conversation, account, seq), "{by}: who was not in it");
        }
        for (account, conversation, seq) in &self.oracle.told {
            ensure!(
                was_in(*conversation, *account, *seq),
                "{} was shown {} of {} and was not in it",
                short(account),
                seq.0,
                short(conversation)
            );
        }
        let mut slots = truth.prepare("SELECT conversation, epoch, account, device FROM slot")?;
        let mut rows = slots.query([])?;
        while let Some(row) = rows.next()? {
            let (conversation, epoch) = (ConversationId::new(row.get(0)?), Epoch(number(row, 1)?));
            let (account, device) = (AccountId::new(row.get(2)?), DeviceId::new(row.get(3)?));
            let lived = members.times(conversation, account).iter().any(|time| time.lived(epoch));
            ensure!(
                devices.contains(&(account, device)) && lived,
                "a slot of {} in epoch {} is by {}, who was not in it",
                short(&conversation),
                epoch.0,
                short(&account)
            );
        }
        Ok(())
    }
}
