//! What is shown before the log around it is here: newest messages, and what was said later about those of a page.
//!
//! Such a *preview* lies in a hole. It opens and is checked by itself, like any entry; that it stands where the server
//! says is proven when the hole around it is filled. Until then nothing is built on its place.

use diario_protocol::{Body, ConversationId, Entry, EntryKind, LogHash, Seq};

use super::entries::waiting_of;
use super::{Engine, Result};
use crate::error::Misbehaviour;
use crate::store::hole;
use crate::store::message::{self, Placed, Waiting};

impl Engine {
    /// Up to where entries may be missing here that are about a page which ends at `last`.
    pub(super) fn said_later(&self, id: ConversationId, last: Seq) -> Result<Option<Seq>> {
        Ok(hole::of(&self.db, id)?.last().map(|hole| hole.last).filter(|end| *end > last))
    }

    /// What came with a page because it is about the page's entries.
    pub(super) fn take_about(
        &mut self,
        id: ConversationId,
        (first, last): (Seq, Seq),
        said: &[Entry],
    ) -> Result<()> {
        let fits = |entry: &Entry| {
            entry.conversation == id
                && entry.kind == EntryKind::Application
                && entry.annotates.is_some_and(|of| (first..=last).contains(&of))
                && entry.seq > last
        };
        if !said.iter().all(fits) {
            return self.out_of_turn("entries about something else than the page");
        }
        for entry in said.iter().filter(|entry| matches!(entry.body, Body::Present(_))) {
            if hole::around(&self.db, id, entry.seq)?.is_some() {
                // The hash is not known before the hole is filled.
                let waiting = Waiting { hash: None, ..waiting_of(entry, LogHash::start(&id)) };
                self.take_preview(&waiting, true)?;
            } else if message::id_at(&self.db, id, entry.seq)?.is_some_and(|here| here != entry.id) {
                self.misbehaved(Some(id), Misbehaviour::Rewritten(entry.seq));
            }
        }
        Ok(())
    }

    /// An entry that lies in a hole. One of a page is told with the page.
    pub(super) fn take_preview(&mut self, w: &Waiting, of_page: bool) -> Result<()> {
        let id = w.conversation;
        match message::place_of(&self.db, id, w.id)? {
            Placed::At(seq) if seq != w.seq => {
                self.misbehaved(Some(id), Misbehaviour::Replayed(seq));
                return Ok(());
            }
            Placed::At(_) => return Ok(()),
            Placed::Pending if (w.account, w.device) != (self.me()?.account, self.me()?.device) => {
                return Ok(());
            }
            Placed::Pending | Placed::Nowhere => {}
        }
        if let Some(other) = message::id_at(&self.db, id, w.seq)? {
            // An earlier preview of this place was a lie, or this one is.
            message::forget_preview(&self.db, id, other)?;
        }
        if of_page { self.open_older(w) } else { self.open_entry(w, false) }
    }

    /// Where an entry of the proven log is; that of a preview elsewhere does not count, and was a lie.
    pub(super) fn proven_place(&mut self, entry: &Entry) -> Result<Placed> {
        let id = entry.conversation;
        let placed = message::place_of(&self.db, id, entry.id)?;
        if let Placed::At(seq) = placed
            && message::forget_preview(&self.db, id, entry.id)?
        {
            self.misbehaved(Some(id), Misbehaviour::Replayed(seq));
            return Ok(Placed::Nowhere);
        }
        Ok(placed)
    }
}
