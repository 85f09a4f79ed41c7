//! What must hold after every event, whatever happens.

use std::collections::{HashMap, HashSet};

use anyhow::{Context, Result, bail, ensure};
use coset::{CborSerializable as _, CoseEncrypt0};
use diario_protocol::{
    AccountId, ConversationId, DeviceId, EntryId, Epoch, Refusal, Reply, Request, Seq, ServerFrame, What,
};
use rusqlite::{Connection, OpenFlags};
use sha2::{Digest as _, Sha256};

use super::frames::short;
use super::journal::Kind;
use super::outside::Acked;
use super::peer::Seen;
use super::world::World;

/// Under which key something was sealed: conversation, key id, account, device; and with which nonce.
type Used = (ConversationId, Vec<u8>, AccountId, DeviceId, Vec<u8>);

/// Something that somebody said.
#[derive(Debug, Clone)]
pub(crate) struct Said {
    pub(crate) peer: usize,
    pub(crate) text: String,
    /// The server has acknowledged it.
    pub(crate) acked: bool,
    /// It may be missing: its device forgot it with an old copy, or it was dropped, or refused for good.
    pub(crate) excused: bool,
    /// When, in milliseconds since the run began.
    pub(crate) at_ms: u64,
}

impl Said {
    pub(crate) fn new(peer: usize, text: String, at_ms: u64) -> Self {
        Self { peer, text, acked: false, excused: false, at_ms }
    }
}

/// Where everything was when a device was cut off.
#[derive(Debug, Default)]
pub(crate) struct CutOff {
    pub(crate) epochs: HashMap<ConversationId, Epoch>,
    pub(crate) heads: HashMap<ConversationId, Seq>,
}

/// What is known of the truth.
#[derive(Debug, Default)]
pub(crate) struct Oracle {
    order: HashMap<(ConversationId, Seq), EntryId>,
    place: HashMap<EntryId, (ConversationId, Seq)>,
    pub(crate) said: HashMap<EntryId, Said>,
    pub(crate) said_in_all: usize,
    nonces: HashMap<Used, [u8; 32]>,
    /// Devices that a list of their account had.
    pub(crate) listed: HashSet<usize>,
    pub(crate) cut_off: HashMap<usize, CutOff>,
    /// Conversations of which the server may drop what is older than some days.
    pub(crate) ageing: HashSet<ConversationId>,
    /// Texts that were imported into a conversation, and by which devices.
    pub(crate) imported: HashMap<ConversationId, HashMap<String, HashSet<usize>>>,
    /// What the server acknowledged of slots, lists and vaults.
    pub(super) acked: Acked,
    /// Which entries the server showed to an account.
    pub(super) told: HashSet<(AccountId, ConversationId, Seq)>,
}

/// A number that SQLite keeps with a sign.
pub(super) fn number(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<u64> {
    row.get(column).map(i64::cast_unsigned)
}

/// Whether the newest list of an account has a device, by the server's database.
pub(super) fn is_listed(truth: &Connection, account: AccountId, device: DeviceId) -> rusqlite::Result<bool> {
    truth.query_row(
        "SELECT EXISTS (SELECT 1 FROM device WHERE account = ?1 AND id = ?2)",
        [account.as_bytes(), device.as_bytes()],
        |row| row.get(0),
    )
}

impl Oracle {
    /// An entry has this place: everywhere, and for ever.
    pub(crate) fn placed(&mut self, conversation: ConversationId, seq: Seq, id: EntryId) -> Result<()> {
        let first = *self.order.entry((conversation, seq)).or_insert(id);
        ensure!(
            first == id,
            "two orders: place {} of {} is {} and {}",
            seq.0,
            short(&conversation),
            short(&first),
            short(&id)
        );
        let place = *self.place.entry(id).or_insert((conversation, seq));
        ensure!(
            place == (conversation, seq),
            "doubled: {} of {} is at {} and at {}",
            short(&id),
            short(&conversation),
            place.1.0,
            seq.0
        );
        Ok(())
    }

    /// Where an entry is.
    pub(crate) fn place_of(&self, id: EntryId) -> Option<(ConversationId, Seq)> {
        self.place.get(&id).copied()
    }

    /// Places known in all, by conversation.
    pub(crate) fn places(&self) -> impl Iterator<Item = (ConversationId, Seq, EntryId)> + '_ {
        self.order.iter().map(|((conversation, seq), id)| (*conversation, *seq, *id))
    }

    /// A device goes back to an old copy: it forgets what it did not send, and may never do so.
    pub(crate) fn went_back(&mut self, peer: usize) {
        for said in self.said.values_mut().filter(|said| said.peer == peer && !said.acked) {
            said.excused = true;
        }
    }

    /// A device sends something sealed: no key and nonce seal two things.
    pub(crate) fn sealed(&mut self, by: Option<(AccountId, DeviceId)>, request: &Request) -> Result<()> {
        let Some((account, device)) = by else { return Ok(()) };
        let bodies: Vec<(ConversationId, &[u8])> = match request {
            Request::Append(a) => vec![(a.conversation, &a.body)],
            Request::PutSlots(p) => p.writes.iter().map(|w| (p.conversation, &*w.body)).collect(),
            Request::Commit(c) => c.slots.iter().map(|w| (c.conversation, &*w.body)).collect(),
            Request::Signal(s) => vec![(s.conversation, &s.body)],
            _ => Vec::new(),
        };
        for (conversation, body) in bodies {
            // Some slots are sealed in another way, for one reader.
            let Ok(outer) = CoseEncrypt0::from_slice(body) else { continue };
            let used = (conversation, outer.protected.header.key_id, account, device, outer.unprotected.iv);
            let digest: [u8; 32] = Sha256::digest(body).into();
            let first = *self.nonces.entry(used).or_insert(digest);
            ensure!(first == digest, "a key and nonce sealed two things in {}", short(&conversation));
        }
        Ok(())
    }
}

impl World {
    /// Counts the rare paths that a request shows.
    pub(crate) fn mark_request(&mut self, request: &Request) {
        match request {
            Request::Log(_) => self.marks.hit("a part of a log was fetched"),
            Request::GroupState(_) => self.marks.hit("an external commit"),
            Request::Welcome(_) => self.marks.hit("a welcome was used"),
            _ => {}
        }
    }

    /// The server answers a device: what it acknowledges stays.
    pub(crate) fn answered(&mut self, peer: usize, frame: &ServerFrame) -> Result<()> {
        self.note_shown(peer, frame);
        match frame {
            ServerFrame::Reply(id, reply) => {
                let Some(request) = self.peers[peer].asked.get(id).cloned() else { return Ok(()) };
                if let Some((account, _)) = self.peers[peer].identity() {
                    self.oracle.acked.note(account, &request, reply);
                }
                match (request, reply) {
                    (Request::Append(append), Reply::Appended(seq)) => {
                        self.oracle.placed(append.conversation, *seq, append.id)?;
                        if let Some(said) = self.oracle.said.get_mut(&append.id) {
                            said.acked = true;
                        }
                    }
                    (Request::Commit(commit), Reply::Appended(seq)) => {
                        self.oracle.placed(commit.conversation, *seq, commit.id)?;
                    }
                    (Request::PutDeviceList(_) | Request::Recover(_), _) => self.note_cut_offs()?,
                    _ => {}
                }
            }
            ServerFrame::Changes(changes) => {
                for change in &changes.items {
                    if let What::Entry(entry) = &change.what {
                        self.told(peer, entry.conversation, entry.seq)?;
                    }
                }
            }
            ServerFrame::Refused(id, refusal) => {
                let Some(request) = self.peers[peer].asked.get(id).cloned() else { return Ok(()) };
                match (request, refusal) {
                    (Request::Commit(_), Refusal::StaleEpoch(_)) => self.marks.hit("a commit lost its race"),
                    (Request::Commit(_), Refusal::RosterStale) => {
                        self.marks.hit("a commit under an old roster or list was refused");
                    }
                    (Request::Append(_), Refusal::StaleEpoch(_)) => {
                        self.marks.hit("an entry in an old epoch was refused");
                    }
                    (Request::Append(_), Refusal::RosterStale) => {
                        self.marks.hit("an entry under an old roster was refused");
                    }
                    (Request::PutDeviceList(_), Refusal::OldDeviceList(_)) => {
                        self.marks.hit("a device list lost its race");
                    }
                    _ => {}
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// A device is told of an entry: not of one that came after it was cut off.
    fn told(&self, peer: usize, conversation: ConversationId, seq: Seq) -> Result<()> {
        let Some(cut) = self.oracle.cut_off.get(&peer) else { return Ok(()) };
        let last = cut.heads.get(&conversation).copied().unwrap_or_default();
        ensure!(
            seq <= last,
            "{} was cut off and is told of {} of {}",
            self.peers[peer].name,
            seq.0,
            short(&conversation)
        );
        Ok(())
    }

    /// The server's database, to read.
    pub(crate) fn truth(&self) -> Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        Connection::open_with_flags(self.host.database(), flags).context("the server's database")
    }

    /// Devices that were listed, and that the newest lists lack, are cut off from now on.
    pub(crate) fn note_cut_offs(&mut self) -> Result<()> {
        let truth = self.truth()?;
        for peer in 0..self.peers.len() {
            let Some((account, device)) = self.peers[peer].identity() else { continue };
            if self.oracle.cut_off.contains_key(&peer) {
                continue;
            }
            if is_listed(&truth, account, device)? {
                self.oracle.listed.insert(peer);
            } else if self.oracle.listed.contains(&peer) {
                let mut cut = CutOff::default();
                let mut rows = truth.prepare(
                    "SELECT id, epoch, (SELECT coalesce(max(seq), 0) FROM log WHERE conversation = c.id)
                     FROM conversation AS c",
                )?;
                let rows = rows.query_map([], |row| {
                    Ok((row.get::<_, [u8; 16]>(0)?, number(row, 1)?, number(row, 2)?))
                })?;
                for row in rows {
                    let (id, epoch, head) = row?;
                    cut.epochs.insert(ConversationId::new(id), Epoch(epoch));
                    cut.heads.insert(ConversationId::new(id), Seq(head));
                }
                self.marks.hit("a device was revoked");
                self.oracle.cut_off.insert(peer, cut);
                self.note_of(peer, Kind::Event, "is cut off from its account".into());
            }
        }
        Ok(())
    }

    /// Looks at a device after its input: its cursor and its read markers never go back by themselves.
    pub(crate) fn look(&mut self, peer: usize) -> Result<()> {
        let p = &mut self.peers[peer];
        if p.engine.is_none() {
            return Ok(());
        }
        let mut statement = p.reader()?.prepare_cached("SELECT cursor FROM device")?;
        let mut rows = statement.query([])?;
        let cursor: Option<u64> = match rows.next()? {
            Some(row) => Some(number(row, 0)?),
            None => None,
        };
        drop(rows);
        drop(statement);
        let Some(cursor) = cursor else { return Ok(()) };
        let mut read = p.reader()?.prepare_cached("SELECT id, read FROM conversation WHERE read > 0")?;
        let rows = read.query_map([], |row| Ok((ConversationId::new(row.get(0)?), number(row, 1)?)))?;
        let reads = rows.collect::<rusqlite::Result<HashMap<_, _>>>()?;
        drop(read);
        for (id, was) in &p.seen.reads {
            let is = reads.get(id).copied().unwrap_or_default();
            ensure!(is >= *was, "{}: what was read of {} goes back from {was} to {is}", p.name, short(id));
        }
        if cursor < p.seen.cursor {
            bail!("{}: the cursor goes back from {} to {cursor}", p.name, p.seen.cursor);
        }
        p.seen = Seen { cursor, reads };
        if std::mem::take(&mut p.leaves) {
            p.told = p.seen.clone();
        }
        Ok(())
    }
}
