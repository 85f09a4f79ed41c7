//! What must hold at the end: everybody has everything, and nobody has more.

use std::collections::{BTreeMap, HashMap, HashSet};

use anyhow::{Context, Result, bail, ensure};
use diario_engine::{Engine, MessageView};
use diario_protocol::{AccountId, ConversationId, ConversationKind, EntryId, Epoch, Refusal, Seq};

use super::frames::short;
use super::oracle::{Said, number};
use super::peer::Peer;
use super::world::World;

/// Somebody who came into their account so long ago has given the server what others take them into groups by.
const SETTLED_MS: u64 = 60_000;

/// Where a membership ends that goes on.
const WITHOUT_END: Seq = Seq(i64::MAX.cast_unsigned());

/// A time that an account was in a conversation, by the server.
#[derive(Debug)]
pub(super) struct Membership {
    since: Seq,
    until: Seq,
    first_epoch: Epoch,
    /// The last epoch that it was in.
    last_epoch: Epoch,
}

impl Membership {
    /// Whether an entry is in it.
    pub(super) fn has(&self, seq: Seq) -> bool {
        self.since <= seq && seq <= self.until
    }

    /// Whether an epoch is in it.
    pub(super) fn lived(&self, epoch: Epoch) -> bool {
        self.first_epoch <= epoch && epoch <= self.last_epoch
    }

    pub(super) fn goes_on(&self) -> bool {
        self.until == WITHOUT_END
    }
}

/// Who was in which conversation.
#[derive(Debug, Default)]
pub(super) struct Members(HashMap<(ConversationId, AccountId), Vec<Membership>>);

impl Members {
    /// The times that an account was in a conversation.
    pub(super) fn times(&self, conversation: ConversationId, account: AccountId) -> &[Membership] {
        self.0.get(&(conversation, account)).map_or(&[], Vec::as_slice)
    }
}

impl World {
    /// Everything that must hold.
    pub(crate) fn check_at_rest(&mut self) -> Result<()> {
        self.note_cut_offs()?;
        let damage: String = self.truth()?.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
        ensure!(damage == "ok", "the server's database is damaged: {damage}");
        self.check_log()?;
        self.check_acked()?;
        let members = self.members()?;
        self.check_outsiders(&members)?;
        let listed = self.listed()?;
        for number in &listed {
            self.check_device(*number, &members)?;
        }
        self.check_siblings(&listed)?;
        self.check_imports(&listed, &members)?;
        self.check_vaults(&listed)?;
        self.check_keys(&members)
    }

    /// The server's log is the one that was seen, and nothing acknowledged is missing.
    fn check_log(&mut self) -> Result<()> {
        let truth = self.truth()?;
        let mut statement =
            truth.prepare("SELECT conversation, seq, id, account, device FROM log ORDER BY number")?;
        let rows = statement.query_map([], |row| {
            Ok((
                ConversationId::new(row.get(0)?),
                Seq(number(row, 1)?),
                EntryId::new(row.get(2)?),
                AccountId::new(row.get(3)?),
                row.get::<_, [u8; 16]>(4)?,
            ))
        })?;
        let mut stored = HashSet::new();
        let mut next: HashMap<ConversationId, u64> = HashMap::new();
        for row in rows {
            let (conversation, seq, id, account, device) = row?;
            let expected = next.entry(conversation).or_insert(1);
            ensure!(
                *expected == seq.0,
                "{}: the log has {} after {}",
                short(&conversation),
                seq.0,
                *expected - 1
            );
            *expected += 1;
            self.oracle.placed(conversation, seq, id)?;
            stored.insert((conversation, seq, id));
            for (peer, cut) in &self.oracle.cut_off {
                let same = self.peers[*peer]
                    .identity()
                    .is_some_and(|(a, d)| a == account && *d.as_bytes() == device);
                let head = cut.heads.get(&conversation).copied().unwrap_or_default();
                ensure!(
                    !same || seq <= head,
                    "{} wrote {} of {} after it was cut off",
                    self.peers[*peer].name,
                    seq.0,
                    short(&conversation)
                );
            }
        }
        for (conversation, seq, id) in self.oracle.places() {
            ensure!(
                stored.contains(&(conversation, seq, id)),
                "lost: {} of {} was seen and is not stored",
                seq.0,
                short(&conversation)
            );
        }
        for (id, said) in &self.oracle.said {
            let place = self.oracle.place_of(*id);
            let inside =
                self.oracle.listed.contains(&said.peer) && !self.oracle.cut_off.contains_key(&said.peer);
            ensure!(
                place.is_some() || (!said.acked && (said.excused || !inside)),
                "lost: “{}” of {} was never stored",
                said.text,
                self.peers[said.peer].name
            );
        }
        Ok(())
    }

    pub(super) fn members(&self) -> Result<Members> {
        let truth = self.truth()?;
        let mut statement = truth.prepare(
            "SELECT conversation, account, since, until, epoch,
             coalesce((SELECT epoch FROM log WHERE conversation = m.conversation AND seq = m.until), 1 << 60)
             FROM member AS m",
        )?;
        let rows = statement.query_map([], |row| {
            let until: i64 = row.get(3)?;
            let membership = Membership {
                since: Seq(number(row, 2)?),
                until: Seq(u64::try_from(until).unwrap_or(u64::MAX)),
                first_epoch: Epoch(number(row, 4)?),
                last_epoch: Epoch(number(row, 5)?),
            };
            Ok(((ConversationId::new(row.get(0)?), AccountId::new(row.get(1)?)), membership))
        })?;
        let mut members = Members::default();
        for row in rows {
            let (of, membership) = row?;
            members.0.entry(of).or_default().push(membership);
        }
        Ok(members)
    }

    /// A device shows what its account may read, all of it, once.
    fn check_device(&mut self, number: usize, members: &Members) -> Result<()> {
        let peer = &self.peers[number];
        let (Some(engine), Some((account, _))) = (&peer.engine, peer.identity()) else { return Ok(()) };
        let found = engine.diagnose()?;
        ensure!(found.damage.is_empty(), "{}: its store is damaged: {:?}", peer.name, found.damage);
        ensure!(
            found.refused == 0,
            "{}: {} entries of honest devices were refused",
            peer.name,
            found.refused
        );
        // At rest these are keys that are out of reach.
        let unreadable: HashSet<_> = found.waiting_for.iter().map(|wanted| wanted.conversation).collect();
        let mut shown: HashMap<EntryId, MessageView> = HashMap::new();
        for row in engine.conversation_rows()? {
            for message in engine.log(row.id, u32::MAX, None)? {
                let Some(seq) = message.seq else { continue };
                let again = shown.insert(message.id, message).is_some();
                ensure!(!again, "{}: shows {} of {} twice", peer.name, seq.0, short(&row.id));
            }
        }
        for (id, said) in &self.oracle.said {
            let Some((conversation, seq)) = self.oracle.place_of(*id) else { continue };
            let times = members.times(conversation, account);
            let may = times.iter().any(|time| time.has(seq));
            // A device that came later is told of the last time that its account was in, and not of earlier ones.
            let must = times.iter().max_by_key(|time| time.since).is_some_and(|time| time.has(seq));
            match shown.get(id) {
                Some(_) if !may => bail!("{} reads “{}” and was not there", peer.name, said.text),
                Some(message) if message.is_no_longer_kept() => {
                    // What goes once it is delivered, every device has that was there when it was said.
                    let excused = self.oracle.ageing.contains(&conversation) || peer.went_back;
                    ensure!(
                        excused || peer.ready_ms >= said.at_ms,
                        "{}: “{}” was dropped before it had it",
                        peer.name,
                        said.text
                    );
                    self.marks.hit("what the server does not keep was missed");
                }
                Some(message) => ensure!(
                    message.seq == Some(seq)
                        && (message.text == said.text
                            || message.text.is_empty()
                                && unreadable.contains(&conversation)
                                && !self.was_taken_in(peer, said)),
                    "{}: shows “{}” at {:?}, not “{}” at {}",
                    peer.name,
                    message.text,
                    message.seq,
                    said.text,
                    seq.0
                ),
                None if must => bail!(
                    "{} does not show “{}”, {} of {}",
                    peer.name,
                    said.text,
                    seq.0,
                    short(&conversation)
                ),
                None => {}
            }
        }
        Ok(())
    }

    /// Whether a device was there, in its account, when something was said: whoever said it had taken it in, and its
    /// welcome waits for it, whatever became of its account since.
    fn was_taken_in(&self, peer: &Peer, said: &Said) -> bool {
        let said_by = &self.peers[said.peer];
        peer.unbroken && said_by.unbroken && peer.ready_ms + SETTLED_MS < said.at_ms
    }

    /// A message may be refused for good only if its account is out of the conversation, by what the server knows or by
    /// all that the device does: who was out and is in again may say it.
    pub(super) fn check_failure(&self, peer: usize, id: ConversationId, refusal: &Refusal) -> Result<()> {
        let Some((account, _)) = self.peers[peer].identity() else { return Ok(()) };
        let Some(engine) = &self.peers[peer].engine else { return Ok(()) };
        let is_in = self.members()?.times(id, account).iter().any(Membership::goes_on);
        let is_out_here = engine.is_live() && engine.conversation_row(id)?.is_some_and(|row| !row.open);
        ensure!(
            *refusal == Refusal::NotMember && (!is_in || is_out_here),
            "{}: a message to {} was refused for good: {refusal}",
            self.peers[peer].name,
            short(&id)
        );
        Ok(())
    }

    /// What was imported is there once, however often, and on how many devices, it was imported.
    fn check_imports(&self, listed: &[usize], members: &Members) -> Result<()> {
        for number in listed {
            let peer = &self.peers[*number];
            let (Some(engine), Some((account, _))) = (&peer.engine, peer.identity()) else { continue };
            let certain = |by: &usize| {
                listed.contains(by) && !self.peers[*by].went_back && self.peers[*by].person == peer.person
            };
            for (conversation, texts) in &self.oracle.imported {
                if engine.conversation_row(*conversation)?.is_none() {
                    continue;
                }
                let shown = engine.log(*conversation, u32::MAX, None)?;
                // Who left it imports nothing into it any more.
                let always = matches!(members.times(*conversation, account), [only] if only.goes_on());
                // Whether the server may have dropped what this device missed, `check_log` has looked at.
                let all_kept = !shown.iter().any(MessageView::is_no_longer_kept);
                for (text, by) in texts {
                    let times = shown.iter().filter(|message| message.text == *text).count();
                    ensure!(
                        times <= 1 && (times == 1 || !always || !all_kept || !by.iter().any(certain)),
                        "{}: “{text}” was imported, and is there {times} times",
                        peer.name
                    );
                }
            }
        }
        Ok(())
    }

    /// Devices of one account show the same.
    fn check_siblings(&self, listed: &[usize]) -> Result<()> {
        let stored = self.stored_conversations()?;
        let accounts: HashSet<AccountId> =
            self.peers.iter().filter_map(Peer::identity).map(|(account, _)| account).collect();
        let mut first: HashMap<AccountId, (usize, BTreeMap<String, String>)> = HashMap::new();
        for number in listed {
            let peer = &self.peers[*number];
            let (Some(engine), Some((account, _))) = (&peer.engine, peer.identity()) else { continue };
            let mut mine = state(engine, &stored)?;
            mine.insert("the receipts".into(), engine.settings()?.receipts.to_string());
            for other in &accounts {
                mine.insert(format!("the trust in {}", short(other)), format!("{:?}", engine.trust(*other)?));
            }
            let Some((other, theirs)) = first.get(&account) else {
                first.insert(account, (*number, mine));
                continue;
            };
            let keys: HashSet<&String> = mine.keys().chain(theirs.keys()).collect();
            for key in keys {
                let unknown = [&mine, theirs].iter().any(|state| state.get(key).is_some_and(|v| v == "?"));
                ensure!(
                    unknown || mine.get(key) == theirs.get(key),
                    "{} and {} differ in {key}: {:?} and {:?}",
                    peer.name,
                    self.peers[*other].name,
                    mine.get(key),
                    theirs.get(key)
                );
            }
        }
        Ok(())
    }

    /// A device, lost or cut off too, has no key of an epoch that its account, or it, was not in.
    fn check_keys(&mut self, members: &Members) -> Result<()> {
        let mut held = Vec::new();
        for peer in 0..self.peers.len() {
            let Some(account) = self.peers[peer].stored_account()? else { continue };
            let mut statement =
                self.peers[peer].reader()?.prepare("SELECT conversation, epoch, secret FROM key")?;
            let rows = statement.query_map([], |row| {
                let of = (ConversationId::new(row.get(0)?), Epoch(number(row, 1)?));
                Ok((of, row.get::<_, Vec<u8>>(2)?))
            })?;
            let keys = rows.collect::<rusqlite::Result<Vec<_>>>().context("keys")?;
            drop(statement);
            for ((conversation, epoch), secret) in keys {
                let times = members.times(conversation, account);
                let mut may = times.iter().any(|time| time.lived(epoch))
                    // Who leaves is in the tree for one more epoch, in which nothing is said.
                    || (times.iter().any(|time| time.last_epoch.next() == epoch)
                        && !self.is_anything_sealed(conversation, epoch)?);
                if let Some(cut) = self.oracle.cut_off.get(&peer) {
                    may &= epoch <= cut.epochs.get(&conversation).copied().unwrap_or_default();
                }
                held.push((peer, conversation, epoch, secret, may));
            }
        }
        // A device may hold the key of its own commit that lost: that is no epoch's. One is an epoch's if somebody who
        // was in the epoch has it.
        let rightly: HashSet<_> = held.iter().filter(|k| k.4).map(|k| (k.1, k.2, k.3.clone())).collect();
        for (number, conversation, epoch, secret, may) in held {
            ensure!(
                may || !rightly.contains(&(conversation, epoch, secret)),
                "{} has the key of epoch {} of {} and was not in it",
                self.peers[number].name,
                epoch.0,
                short(&conversation)
            );
        }
        Ok(())
    }

    /// Whether anything is sealed under the key of an epoch.
    fn is_anything_sealed(&self, conversation: ConversationId, epoch: Epoch) -> Result<bool> {
        let sealed = self.truth()?.query_row(
            "SELECT EXISTS (SELECT 1 FROM log WHERE conversation = ?1 AND epoch = ?2 AND kind <> 1)
             OR EXISTS (SELECT 1 FROM slot WHERE conversation = ?1 AND epoch = ?2)",
            rusqlite::params![conversation.as_bytes(), epoch.0.cast_signed()],
            |row| row.get(0),
        )?;
        Ok(sealed)
    }

    fn stored_conversations(&self) -> Result<HashSet<ConversationId>> {
        let truth = self.truth()?;
        let mut statement = truth.prepare("SELECT id FROM conversation")?;
        let ids = statement.query_map([], |row| Ok(ConversationId::new(row.get(0)?)))?;
        Ok(ids.collect::<rusqlite::Result<_>>()?)
    }
}

/// What all devices of an account must show alike.
fn state(engine: &Engine, stored: &HashSet<ConversationId>) -> Result<BTreeMap<String, String>> {
    let mut state = BTreeMap::new();
    // A conversation that was begun and in which nothing was said is on one device alone.
    for row in engine.conversation_rows()?.into_iter().filter(|row| stored.contains(&row.id)) {
        if row.kind == ConversationKind::SelfConversation {
            continue;
        }
        let id = short(&row.id);
        let log = engine.log_state(row.id)?;
        let in_group = log.as_ref().is_some_and(|log| log.in_group);
        let log = log.map(|log| (log.next, log.hash));
        let mut words = vec![
            ("log", format!("{log:?}")),
            ("arrangement", format!("pinned {} muted {}", row.pinned, row.muted)),
            ("draft", row.draft),
            ("open", row.open.to_string()),
        ];
        // Of a conversation that the account has left, a device that came later is told the log and no slots.
        if row.open {
            // Who is in it, a device that is not in the group learns when it comes in.
            let size = if in_group { row.size.to_string() } else { "?".to_owned() };
            words.extend([
                ("title", row.title),
                ("unread", row.unread.to_string()),
                ("read marker", row.markers.read_here.0.to_string()),
                ("size", size),
            ]);
        }
        state.extend(words.into_iter().map(|(what, value)| (format!("the {what} of {id}"), value)));
    }
    Ok(state)
}
