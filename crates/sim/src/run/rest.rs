//! Rest: when nothing breaks any more, everybody comes to have nothing left to do.

use std::fmt::Write as _;
use std::time::Duration;

use anyhow::{Result, bail};
use diario_engine::WaitingFor;
use diario_protocol::{AccountId, ConversationId, Epoch};
use tokio::time::Instant;

use super::check::Membership;
use super::frames::short;
use super::oracle::is_listed;
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
    /// It was cut off from its account, and gives nothing to anybody.
    cut_off: bool,
}

impl World {
    /// Devices that the newest lists have, and that are not lost.
    pub(super) fn listed(&self) -> Result<Vec<usize>> {
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
            let times = account.map(|account| members.times(conversation, account));
            times.is_some_and(|times| times.iter().any(Membership::goes_on))
        };
        for WaitingFor { conversation, epochs, .. } in &mut wanted {
            let id = *conversation;
            let mut left = Vec::new();
            for epoch in std::mem::take(epochs) {
                let holders = self.holders(id, epoch)?;
                let in_reach = if holders.is_empty() {
                    takes_part(asker, id) && !went_back
                } else {
                    let mut able = holders.iter().filter(|h| !h.cut_off).map(|h| account(h.peer));
                    able.any(|holder| holder == asker || takes_part(asker, id) && takes_part(holder, id))
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
        for (number, peer) in self.peers.iter().enumerate() {
            let store = peer.open_store()?;
            let held = store
                .prepare("SELECT 1 FROM key WHERE conversation = ?1 AND epoch = ?2")?
                .exists(rusqlite::params![conversation.as_bytes(), epoch.0.cast_signed()])?;
            let can_tell = store
                .prepare("SELECT 1 FROM lived WHERE conversation = ?1 AND first <= ?2 AND last >= ?2")?
                .exists(rusqlite::params![conversation.as_bytes(), epoch.0.cast_signed()])?;
            if held {
                let cut_off = self.oracle.cut_off.contains_key(&number);
                holders.push(Holder { peer, can_tell, cut_off });
            }
        }
        Ok(holders)
    }
}

/// Holders, for a failure.
fn names(holders: &[Holder<'_>]) -> String {
    let names: Vec<_> = holders
        .iter()
        .map(|Holder { peer, can_tell, cut_off }| {
            let lost = if peer.lost { " (lost)" } else { "" };
            let cut_off = if *cut_off { " (cut off)" } else { "" };
            let unknown = if *can_tell { "" } else { " (who was in it is not known there)" };
            format!("{}{lost}{cut_off}{unknown}", peer.name)
        })
        .collect();
    if names.is_empty() { "nobody has".to_owned() } else { format!("is at {}", names.join(", ")) }
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
