//! What must hold at the end, when nothing breaks any more: everybody has everything, and nobody has more.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Write as _;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use diario_engine::{Engine, WaitingFor};
use diario_protocol::{AccountId, ConversationId, ConversationKind, EntryId, Epoch, Seq};
use tokio::time::Instant;

use super::frames::short;
use super::oracle::{is_listed, number};
use super::peer::Peer;
use super::world::World;

/// How long devices may take to agree once nothing breaks, in virtual time.
const PATIENCE: Duration = Duration::from_hours(2);
/// How long they may wait for nothing but keys that they asked for: what nobody was there to give is asked for anew after
/// a day.
const PATIENCE_OF_ASKERS: Duration = Duration::from_hours(26);
/// After this long they are looked at less often.
const SOON: Duration = Duration::from_mins(10);
/// How long they must have nothing to do.
const QUIET: Duration = Duration::from_secs(30);

/// Where a membership ends that goes on.
const WITHOUT_END: Seq = Seq(i64::MAX.cast_unsigned());

/// Why there is no rest.
struct Restless {
    words: String,
    /// It is a key that was asked for, and nothing else.
    asks: bool,
}

impl Restless {
    fn new(words: String) -> Self {
        Self { words, asks: false }
    }
}

/// Who has the key of an epoch.
struct Holder<'a> {
    peer: &'a Peer,
    /// It knows who was in the conversation then, without which it gives the key to nobody.
    can_tell: bool,
}

/// A time that an account was in a conversation, by the server.
#[derive(Debug)]
struct Membership {
    since: Seq,
    until: Seq,
    first_epoch: Epoch,
    /// The last epoch that it was in.
    last_epoch: Epoch,
}

type Members = HashMap<(ConversationId, AccountId), Vec<Membership>>;

impl World {
    /// Devices that the newest lists have, and that are not lost.
    fn listed(&self) -> Result<Vec<usize>> {
        let truth = self.truth()?;
        let mut listed = Vec::new();
        for (number, peer) in self.peers.iter().enumerate() {
            let Some((account, device)) = peer.identity() else { continue };
            if !peer.lost && is_listed(&truth, account, device)? {
                listed.push(number);
            }
        }
        Ok(listed)
    }

    /// Runs until nothing is to be done any more.
    pub(crate) async fn come_to_rest(&mut self) -> Result<()> {
        let begun = Instant::now();
        let mut quiet_since = begun;
        loop {
            let pause = Duration::from_secs(if begun.elapsed() < SOON { 1 } else { 60 });
            let until = Instant::now() + pause;
            while self.step(until).await? {}
            let restless = self.who_does_not_rest()?;
            if restless.is_empty() {
                if quiet_since.elapsed() >= QUIET {
                    return Ok(());
                }
            } else {
                quiet_since = Instant::now();
            }
            let patience = if restless.iter().all(|r| r.asks) { PATIENCE_OF_ASKERS } else { PATIENCE };
            if begun.elapsed() > patience {
                let words: Vec<_> = restless.into_iter().map(|r| r.words).collect();
                bail!("no rest: {}", words.join("; "));
            }
        }
    }

    fn who_does_not_rest(&self) -> Result<Vec<Restless>> {
        let mut reasons = Vec::new();
        for number in self.listed()? {
            let peer = &self.peers[number];
            let Some(engine) = &peer.engine else { continue };
            let found = engine.diagnose()?;
            let reachable = self.within_reach(peer, found.waiting_for.clone())?;
            if !engine.is_live() {
                reasons.push(Restless::new(format!("{} is not live", peer.name)));
            } else if !engine.at_rest() {
                reasons.push(Restless::new(format!("{} is busy", peer.name)));
            } else if found.waiting > 0 && (found.waiting_for.is_empty() || !reachable.is_empty()) {
                let mut words = format!("{} cannot read {}", peer.name, found.waiting);
                for wanted in &reachable {
                    for epoch in &wanted.epochs {
                        let of = short(&wanted.conversation);
                        let holders = names(&self.holders(wanted.conversation, *epoch)?);
                        let asked = wanted.asked_at.map_or("not asked", |_| "asked");
                        let _ = write!(
                            words,
                            ", {asked} for the key of epoch {} of {of}, which {holders}",
                            epoch.0
                        );
                    }
                }
                let asks = found.outgoing == 0
                    && !reachable.is_empty()
                    && reachable.iter().all(|w| w.asked_at.is_some());
                reasons.push(Restless { words, asks });
            } else if found.outgoing > 0 {
                reasons.push(Restless::new(format!("{} has to send: {}", peer.name, outgoing(peer)?)));
            } else if found.missing > 0 || !found.gaps.is_empty() {
                let words = format!("{} lacks {} entries, gaps {:?}", peer.name, found.missing, found.gaps);
                reasons.push(Restless::new(words));
            }
        }
        let unfinished = self.peers.iter().filter(|p| !p.lost && p.identity().is_none());
        reasons.extend(unfinished.map(|p| Restless::new(format!("{} has no account yet", p.name))));
        Ok(reasons)
    }

    /// The keys that can be had: not those that went with a store when an old copy was put back, and not those that
    /// nobody has who hears an ask, being in the conversation together with the asker.
    fn within_reach(&self, peer: &Peer, mut wanted: Vec<WaitingFor>) -> Result<Vec<WaitingFor>> {
        // Most of the time nobody waits, and everybody is asked often.
        if wanted.is_empty() {
            return Ok(wanted);
        }
        let account = |peer: &Peer| peer.identity().map(|(account, _)| account);
        let went_back = self.peers.iter().any(|peer| peer.went_back);
        let (members, asker) = (self.members()?, account(peer));
        let takes_part = |account: Option<AccountId>, conversation| {
            let times = account.and_then(|account| members.get(&(conversation, account)));
            times.is_some_and(|times| times.iter().any(|time| time.until == WITHOUT_END))
        };
        for WaitingFor { conversation, epochs, .. } in &mut wanted {
            let id = *conversation;
            let mut left = Vec::new();
            for epoch in std::mem::take(epochs) {
                let mut holders =
                    self.holders(id, epoch)?.into_iter().map(|holder| account(holder.peer)).peekable();
                let in_reach = if holders.peek().is_none() {
                    takes_part(asker, id) && !went_back
                } else {
                    holders.any(|holder| holder == asker || takes_part(asker, id) && takes_part(holder, id))
                };
                if in_reach {
                    left.push(epoch);
                }
            }
            *epochs = left;
        }
        wanted.retain(|wanted| !wanted.epochs.is_empty());
        Ok(wanted)
    }

    /// Who has the key of an epoch, the lost ones too.
    fn holders(&self, conversation: ConversationId, epoch: Epoch) -> Result<Vec<Holder<'_>>> {
        let mut holders = Vec::new();
        for peer in &self.peers {
            let store = peer.open_store()?;
            let held = store
                .prepare("SELECT 1 FROM key WHERE conversation = ?1 AND epoch = ?2")?
                .exists(rusqlite::params![conversation.as_bytes(), epoch.0.cast_signed()])?;
            let can_tell = store
                .prepare("SELECT 1 FROM lived WHERE conversation = ?1 AND first <= ?2 AND last >= ?2")?
                .exists(rusqlite::params![conversation.as_bytes(), epoch.0.cast_signed()])?;
            if held {
                holders.push(Holder { peer, can_tell });
            }
        }
        Ok(holders)
    }

    /// Everything that must hold.
    pub(crate) fn check_at_rest(&mut self) -> Result<()> {
        self.note_cut_offs()?;
        let damage: String = self.truth()?.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
        ensure!(damage == "ok", "the server's database is damaged: {damage}");
        self.check_log()?;
        let members = self.members()?;
        let listed = self.listed()?;
        for number in &listed {
            self.check_device(*number, &members)?;
        }
        self.check_siblings(&listed)?;
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

    fn members(&self) -> Result<Members> {
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
        let mut members: Members = HashMap::new();
        for row in rows {
            let (of, membership) = row?;
            members.entry(of).or_default().push(membership);
        }
        Ok(members)
    }

    /// A device shows what its account may read, all of it, once.
    fn check_device(&self, number: usize, members: &Members) -> Result<()> {
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
        let mut shown: HashMap<EntryId, (ConversationId, Seq, String)> = HashMap::new();
        for row in engine.conversation_rows()? {
            for message in engine.log(row.id, u32::MAX, None)? {
                let Some(seq) = message.seq else { continue };
                let again = shown.insert(message.id, (row.id, seq, message.text)).is_some();
                ensure!(!again, "{}: shows {} of {} twice", peer.name, seq.0, short(&row.id));
            }
        }
        for (id, said) in &self.oracle.said {
            let Some((conversation, seq)) = self.oracle.place_of(*id) else { continue };
            let ranges = members.get(&(conversation, account)).map_or(&[][..], Vec::as_slice);
            let may = ranges.iter().any(|m| m.since <= seq && seq <= m.until);
            // A device that came later is told of the last time that its account was in, and not of earlier ones.
            let must =
                ranges.iter().max_by_key(|m| m.since).is_some_and(|m| m.since <= seq && seq <= m.until);
            match shown.get(id) {
                Some(_) if !may => bail!("{} reads “{}” and was not there", peer.name, said.text),
                Some((_, at, text)) => ensure!(
                    *at == seq
                        && (*text == said.text || text.is_empty() && unreadable.contains(&conversation)),
                    "{}: shows “{text}” at {}, not “{}” at {}",
                    peer.name,
                    at.0,
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

    /// Devices of one account show the same.
    fn check_siblings(&self, listed: &[usize]) -> Result<()> {
        let stored = self.stored_conversations()?;
        let mut first: HashMap<AccountId, (usize, BTreeMap<String, String>)> = HashMap::new();
        for number in listed {
            let peer = &self.peers[*number];
            let (Some(engine), Some((account, _))) = (&peer.engine, peer.identity()) else { continue };
            let mine = state(engine, &stored)?;
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
                let ranges = members.get(&(conversation, account)).map_or(&[][..], Vec::as_slice);
                let mut may = ranges.iter().any(|m| m.first_epoch <= epoch && epoch <= m.last_epoch)
                    // Who leaves is in the tree for one more epoch, in which nothing is said.
                    || (ranges.iter().any(|m| m.last_epoch.next() == epoch)
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

/// Holders, for a failure.
fn names(holders: &[Holder<'_>]) -> String {
    let names: Vec<_> = holders
        .iter()
        .map(|Holder { peer, can_tell }| {
            let lost = if peer.lost { " (lost)" } else { "" };
            let unknown = if *can_tell { "" } else { " (who was in it is not known there)" };
            format!("{}{lost}{unknown}", peer.name)
        })
        .collect();
    if names.is_empty() { "nobody has".to_owned() } else { format!("is at {}", names.join(", ")) }
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

/// What waits in a device's outbox: kinds, in how many rows, and of which conversations.
fn outgoing(peer: &Peer) -> Result<String> {
    let store = peer.open_store()?;
    let mut statement = store.prepare(
        "SELECT kind, count(*), conversation FROM outbox GROUP BY kind, conversation ORDER BY kind",
    )?;
    let rows = statement.query_map([], |row| {
        let of = short(&ConversationId::new(row.get(2)?));
        Ok(format!("{} of kind {} for {of}", row.get::<_, i64>(1)?, row.get::<_, i64>(0)?))
    })?;
    Ok(rows.collect::<rusqlite::Result<Vec<_>>>()?.join(", "))
}
