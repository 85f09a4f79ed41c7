//! Filling holes: parts of logs that a user looks at, and in the background all of them, newest first.
//!
//! A page that reaches down from the top of a hole has to lead to the hash that is known there: so the log from a head
//! back to its beginning is proven as it comes. A page in the middle (a jump to a date) is proven when the holes on
//! both sides of it close.

use std::collections::BTreeSet;

use diario_protocol::{
    Body, ConversationId, Entry, EntryKind, LogHash, LogPage, LogRange, Refusal, Request, Seq, Timestamp,
};

use super::entries::{commit_row, waiting_of};
use super::requests::Asked;
use super::{Engine, Result, Timer};
use crate::error::{CommandError, EngineError, Misbehaviour};
use crate::event::Event;
use crate::store::hole::{self, Hole};
use crate::store::message::{self, NewMessage, Placed, state};

/// Entries that are fetched for somebody who looks.
const LOOKED_AT: u64 = 100;
/// Entries that are fetched at once in the background; the server cuts by bytes.
const IN_BACKGROUND: u64 = 1_000;
/// Pages under way at once in the background.
const WINDOW: usize = 4;
/// About the bytes of a sealed message on the wire, until some were seen.
const TYPICAL_BYTES: u64 = 350;
/// About the bytes of an entry beside its body: in a row with others, and alone.
const OVERHEAD: u64 = 25;
const OVERHEAD_ALONE: u64 = 97;

/// Whether holes are filled before anybody looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fill {
    /// Only what is looked at is fetched, and what the server drops once every device has it.
    Never,
    /// While the connection is not known to cost by volume.
    Unmetered,
    /// Whenever there is a connection.
    Always,
}

impl Fill {
    const fn number(self) -> u8 {
        match self {
            Self::Never => 0,
            Self::Unmetered => 1,
            Self::Always => 2,
        }
    }

    const fn of(number: u8) -> Self {
        match number {
            0 => Self::Never,
            1 => Self::Unmetered,
            _ => Self::Always,
        }
    }
}

/// How much of the history is here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FillView {
    /// What was chosen, or what this program does by itself.
    pub fill: Fill,
    /// The user stopped it for now.
    pub paused: bool,
    /// It goes on at this moment, or would with a connection.
    pub active: bool,
    /// Entries that are not here.
    pub missing: u64,
    /// Conversations that they are in.
    pub conversations: u64,
    /// About how many bytes they would cost to fetch.
    pub estimate: u64,
    /// Entries that were fetched into holes so far.
    pub fetched: u64,
}

type Done<T> = std::result::Result<T, CommandError>;

/// What a connection fetches into holes.
#[derive(Debug, Default)]
pub(super) struct Filler {
    /// Parts of logs that somebody wants to see.
    wanted: Vec<Wanted>,
    /// Conversations of which all is wanted.
    whole: BTreeSet<ConversationId>,
    /// The server wants pages asked for more slowly.
    pub(super) not_before: Option<Timestamp>,
    /// Everything is wanted now, whatever was chosen.
    at_once: bool,
}

/// What is fetched without being looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Which {
    All,
    /// What the server drops once every device has it: later is too late, and until then it waits for this device.
    ToGo,
}

/// A part of a log that somebody wants to see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wanted {
    conversation: ConversationId,
    from: Seq,
    to: Seq,
}

impl Engine {
    /// How much of the history is here, and whether more comes by itself.
    pub fn fill_state(&self) -> Result<FillView> {
        let filling = hole::filling(&self.db)?;
        let (missing, conversations) = hole::extent(&self.db)?;
        let each = filling.bytes.checked_div(filling.entries).unwrap_or(TYPICAL_BYTES);
        let fill = filling.fill.map_or(self.config.fill, Fill::of);
        Ok(FillView {
            fill,
            paused: filling.paused,
            active: match self.fills()? {
                Some(Which::All) => missing > 0,
                Some(Which::ToGo) => !hole::newest_to_go(&self.db, 1)?.is_empty(),
                None => false,
            },
            missing,
            conversations,
            estimate: missing.saturating_mul(each),
            fetched: filling.entries,
        })
    }

    /// Chooses whether this device fetches its history by itself.
    pub fn set_fill(&mut self, fill: Fill, now: Timestamp) -> Done<()> {
        self.command(now, |engine| {
            engine.active()?;
            Ok(hole::set_filling(&engine.db, Some(fill.number()), false).map_err(EngineError::from)?)
        })
    }

    /// Stops or resumes what [`Self::set_fill`] chose; it stays so until it is resumed.
    pub fn pause_fill(&mut self, paused: bool, now: Timestamp) -> Done<()> {
        self.command(now, |engine| {
            engine.active()?;
            let chosen = hole::filling(&engine.db).map_err(EngineError::from)?.fill;
            Ok(hole::set_filling(&engine.db, chosen, paused).map_err(EngineError::from)?)
        })
    }

    /// Fetches everything that is missing, on this connection, whatever was chosen.
    pub fn fill_now(&mut self, now: Timestamp) -> Done<()> {
        self.command(now, |engine| {
            engine.active()?;
            if !engine.session.is_live() {
                return Err(CommandError::Offline);
            }
            engine.session.filler.at_once = true;
            Ok(())
        })
    }

    /// The driver says whether this connection is known to cost by volume.
    pub fn set_metered(&mut self, metered: bool, now: Timestamp) -> Result<()> {
        self.input(now, |engine| {
            engine.metered = metered;
            Ok(())
        })
    }

    /// Fetches what is missing right before a place (`None`: at the end of the log); [`Event::History`] tells when it
    /// is here. `false` if nothing is missing there.
    pub fn fetch_before(&mut self, id: ConversationId, before: Option<Seq>, now: Timestamp) -> Done<bool> {
        self.command(now, |engine| {
            let next = engine.conversation_or_refuse(id)?.log_next;
            let target = Seq(before.unwrap_or(next).min(next).0.saturating_sub(1));
            let Some(hole) = hole::around(&engine.db, id, target).map_err(EngineError::from)? else {
                return Ok(false);
            };
            // From the top, so that it is proven at once, unless that is far away.
            let to = if hole.last.0 - target.0 < LOOKED_AT { hole.last } else { target };
            let from = Seq(hole.first.0.max((target.0 + 1).saturating_sub(LOOKED_AT)));
            engine.show(id, from, to)
        })
    }

    /// Fetches what is missing right after a place, as [`Self::fetch_before`].
    pub fn fetch_after(&mut self, id: ConversationId, after: Seq, now: Timestamp) -> Done<bool> {
        self.command(now, |engine| {
            engine.conversation_or_refuse(id)?;
            let Some(hole) = hole::around(&engine.db, id, after.next()).map_err(EngineError::from)? else {
                return Ok(false);
            };
            let to = hole.last.min(Seq(after.0.saturating_add(LOOKED_AT)));
            engine.show(id, after.next(), to)
        })
    }

    /// Looks for what was said at a time; [`Event::Sought`] tells its place, and what is missing there is fetched.
    pub fn seek(&mut self, id: ConversationId, at: Timestamp, now: Timestamp) -> Done<()> {
        self.command(now, |engine| {
            engine.conversation_or_refuse(id)?;
            let whole = hole::of(&engine.db, id).map_err(EngineError::from)?.is_empty();
            if whole || !engine.session.is_live() {
                let seq = message::seq_at(&engine.db, id, at).map_err(EngineError::from)?;
                engine.emit(Event::Sought { conversation: id, at, seq: seq.unwrap_or_default() });
                return Ok(());
            }
            engine.ask(Request::SeqAt(id, at), Asked::SeqAt(id, at));
            Ok(())
        })
    }

    /// Fetches all that is missing of a conversation, whatever was chosen.
    pub(super) fn fill_whole(&mut self, conversation: ConversationId) {
        self.session.filler.whole.insert(conversation);
    }

    fn show(&mut self, conversation: ConversationId, from: Seq, to: Seq) -> Done<bool> {
        if !self.session.is_live() {
            return Err(CommandError::Offline);
        }
        let wanted = Wanted { conversation, from, to };
        if !self.session.filler.wanted.contains(&wanted) {
            self.session.filler.wanted.push(wanted);
        }
        Ok(true)
    }

    pub(super) fn on_seq_at(&mut self, id: ConversationId, at: Timestamp, seq: Seq) -> Result<()> {
        if let Some(hole) = hole::around(&self.db, id, seq)? {
            let from = Seq(hole.first.0.max(seq.0.saturating_sub(LOOKED_AT / 4)));
            let to = Seq(hole.last.0.min(seq.0.saturating_add(LOOKED_AT * 3 / 4)));
            self.session.filler.wanted.push(Wanted { conversation: id, from, to });
        }
        self.emit(Event::Sought { conversation: id, at, seq });
        Ok(())
    }

    /// What is fetched without being looked at.
    fn fills(&self) -> Result<Option<Which>> {
        let filling = hole::filling(&self.db)?;
        let fill = filling.fill.map_or(self.config.fill, Fill::of);
        Ok(if self.session.filler.at_once || (!filling.paused && self.may_fill(fill)) {
            Some(Which::All)
        } else if !filling.paused && fill == Fill::Never && !self.metered {
            Some(Which::ToGo)
        } else {
            None
        })
    }

    fn may_fill(&self, fill: Fill) -> bool {
        match fill {
            Fill::Never => false,
            Fill::Unmetered => !self.metered,
            Fill::Always => true,
        }
    }

    /// Asks for what somebody wants to see, and else for what is newest of all that is missing.
    pub(super) fn fill_holes(&mut self) -> Result<()> {
        if !self.session.is_live() || self.session.filler.not_before.is_some() {
            return Ok(());
        }
        let mut later = Vec::new();
        for wanted in std::mem::take(&mut self.session.filler.wanted) {
            if self.session.lane(wanted.conversation).older {
                later.push(wanted);
                continue;
            }
            // What lies there by now is what is left of it.
            if let Some(hole) = hole::around(&self.db, wanted.conversation, wanted.to)? {
                self.ask_older(wanted.conversation, wanted.from.max(hole.first), wanted.to)?;
            }
        }
        self.session.filler.wanted = later;
        for id in self.session.filler.whole.clone() {
            let lane = self.session.lane(id);
            let waits = lane.older || lane.not_before.is_some();
            match hole::of(&self.db, id)?.last() {
                Some(_) if waits => {}
                Some(hole) => self.ask_older(id, background_page(hole), hole.last)?,
                None => drop(self.session.filler.whole.remove(&id)),
            }
        }
        let Some(which) = self.fills()? else { return Ok(()) };
        let mut under_way =
            self.session.under_way.values().filter(|asked| matches!(asked, Asked::Older { .. })).count();
        if under_way >= WINDOW {
            return Ok(());
        }
        let holes = match which {
            Which::All => hole::newest(&self.db, 2 * WINDOW)?,
            Which::ToGo => hole::newest_to_go(&self.db, 2 * WINDOW)?,
        };
        for hole in holes {
            let lane = self.session.lane(hole.conversation);
            if lane.older || lane.not_before.is_some() || under_way >= WINDOW {
                continue;
            }
            self.ask_older(hole.conversation, background_page(&hole), hole.last)?;
            under_way += 1;
        }
        Ok(())
    }

    fn ask_older(&mut self, conversation: ConversationId, from: Seq, to: Seq) -> Result<()> {
        self.session.lane(conversation).older = true;
        let about = self.said_later(conversation, to)?;
        let range = LogRange { conversation, from, to, commits_only: false, newest: true, about };
        self.ask(Request::Log(range), Asked::Older { conversation, from, to });
        Ok(())
    }

    pub(super) fn older_refused(&mut self, id: ConversationId, refusal: &Refusal) {
        const PAUSE_MS: u64 = 5_000;
        self.session.lane(id).older = false;
        if let Refusal::RateLimited(ms) = refusal {
            let due = self.now.plus_ms((*ms).max(100));
            self.session.filler.not_before = Some(due);
            self.set_timer(Timer::Retry, due);
        } else {
            self.back_off(id, PAUSE_MS);
        }
    }

    /// A page that fills a part of a hole.
    pub(super) fn on_older(&mut self, id: ConversationId, from: Seq, to: Seq, page: &LogPage) -> Result<()> {
        self.session.lane(id).older = false;
        if page.conversation != id || page.entries.iter().any(|e| e.conversation != id) {
            return self.out_of_turn("a page of another log");
        }
        let Some(hole) = hole::around(&self.db, id, to)? else { return Ok(()) };
        let Some(bottom) = page.entries.first().map(|e| e.seq) else {
            self.back_off(id, 5_000);
            return Ok(());
        };
        let gapless = page.entries.iter().zip(bottom.0..).all(|(e, seq)| e.seq.0 == seq);
        let ends = page.entries.last().is_some_and(|e| e.seq == to);
        if !gapless || !ends || bottom < from || bottom < hole.first {
            return self.out_of_turn("another part of a log than was asked for");
        }
        let hashes: Vec<LogHash> = page
            .entries
            .iter()
            .scan(page.hash_before, |hash, entry| {
                *hash = hash.after_entry(entry);
                Some(*hash)
            })
            .collect();
        let joins_above = to < hole.last || hashes.last() == Some(&hole.hash);
        if !joins_above || !self.joins_below(&hole, bottom, page.hash_before)? {
            // This part stays as it is until the server shows its log again or the user rebuilds; the others go on.
            self.misbehaved(Some(id), Misbehaviour::Rewritten(to));
            self.back_off(id, 30_000);
            return Ok(());
        }
        let mut bytes = 0;
        for (entry, hash) in page.entries.iter().zip(hashes) {
            bytes += OVERHEAD + body_len(entry);
            self.take_older(entry, hash)?;
        }
        hole::remove(&self.db, &hole)?;
        let at = page.entries.first().map_or(hole.at, |e| e.received_at);
        let below = Seq(bottom.0.saturating_sub(1));
        hole::put(&self.db, &Hole { last: below, hash: page.hash_before, at, ..hole })?;
        hole::put(&self.db, &Hole { first: to.next(), ..hole })?;
        self.take_about(id, (bottom, to), &page.about)?;
        self.note_past_changes(id, bottom, to)?;
        bytes += page.about.iter().map(|entry| OVERHEAD_ALONE + body_len(entry)).sum::<u64>();
        hole::count_fetched(&self.db, page.entries.len() as u64, bytes)?;
        self.emit(Event::History { conversation: id, first: bottom, last: to });
        Ok(())
    }

    /// Whether a page whose first entry is at `bottom` joins what lies below the hole, if it comes down to it.
    fn joins_below(&mut self, hole: &Hole, bottom: Seq, before: LogHash) -> Result<bool> {
        if bottom > hole.first {
            return Ok(true);
        }
        let known = match self.conversation(hole.conversation)? {
            Some(c) if c.since == bottom => Some(c.since_hash),
            _ => message::hash_at(&self.db, hole.conversation, Seq(bottom.0.saturating_sub(1)))?,
        };
        Ok(known.is_none_or(|hash| hash == before))
    }

    /// An entry at a place that is not at the end of the log.
    fn take_older(&mut self, entry: &Entry, hash: LogHash) -> Result<()> {
        let id = entry.conversation;
        let here = message::id_at(&self.db, id, entry.seq)?;
        let erased = matches!(entry.body, Body::Erased(_));
        if here == Some(entry.id) && !erased && message::prove(&self.db, id, entry.id, hash)? {
            return Ok(());
        }
        if let Some(lie) = here {
            message::forget_preview(&self.db, id, lie)?;
        }
        let placed = self.proven_place(entry)?;
        match placed {
            Placed::At(seq) => return self.refuse_older(entry, hash, Misbehaviour::Replayed(seq)),
            Placed::Pending if !self.may_be_the_pending(entry)? => {
                return self.refuse_older(entry, hash, Misbehaviour::BadContent);
            }
            Placed::Pending | Placed::Nowhere => {}
        }
        let waiting = waiting_of(entry, hash);
        match (entry.kind, &entry.body) {
            (EntryKind::Application, Body::Present(_)) => self.open_older(&waiting),
            (EntryKind::Commit, body) => {
                if let Body::Present(bytes) = body
                    && let Ok(bundle) = self.take_bundle(bytes)?
                {
                    self.keep_past_roster(id, entry.seq, &bundle.commit)?;
                }
                Ok(message::put(&self.db, &commit_row(entry, hash, None))?)
            }
            (EntryKind::Application, Body::Gone(_)) => self.keep_place(entry, hash, placed),
            (EntryKind::Application, Body::Erased(_)) => {
                let row = NewMessage { state: state::ERASED, ..super::entries::row(&waiting) };
                Ok(message::put(&self.db, &row)?)
            }
        }
    }
}

fn body_len(entry: &Entry) -> u64 {
    match &entry.body {
        Body::Present(body) => body.len() as u64,
        Body::Erased(_) | Body::Gone(_) => 32,
    }
}

/// Where the page begins that is fetched from the top of a hole in the background.
fn background_page(hole: &Hole) -> Seq {
    Seq(hole.first.0.max((hole.last.0 + 1).saturating_sub(IN_BACKGROUND)))
}
