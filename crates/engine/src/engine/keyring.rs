//! Keys of epochs that something here is sealed under and whose key is not here: read from the keyring, and the keys
//! that open the keyring from the self chain.
//!
//! What waits says what is missing; nothing else is remembered.

use std::collections::BTreeSet;

use diario_protocol::{ConversationId, Epoch, Request, Slot, SlotKey};

use super::requests::{Asked, Question};
use super::slots::chain_name;
use super::{Engine, Result};
use crate::store::sealed;

/// Epochs that are looked at together.
const MOST: usize = 512;

/// What was looked for on this connection.
#[derive(Debug, Default)]
pub(super) struct MissingKeys {
    /// Something waits for a key that was not asked for yet.
    pub(super) look: bool,
    /// Epochs whose keyring slots were read, and of them those that are not there.
    pub(super) read: BTreeSet<(ConversationId, Epoch)>,
    pub(super) absent: BTreeSet<(ConversationId, Epoch)>,
    /// Epochs that others ask for, and of which a sibling may have written down the key and who was there.
    asked_for: BTreeSet<(ConversationId, Epoch)>,
    /// Links of the self chain that were read, by the epoch that they lead from.
    pub(super) links: BTreeSet<Epoch>,
}

impl MissingKeys {
    /// Others ask for an epoch of which this device cannot tell: its slot is read, once on a connection.
    pub(super) fn others_ask_for(&mut self, id: ConversationId, epoch: Epoch) {
        self.look |= !self.read.contains(&(id, epoch)) && self.asked_for.insert((id, epoch));
    }
}

impl Engine {
    /// Asks for keys that something waits for, each once on a connection.
    pub(super) fn ask_keyring(&mut self) -> Result<()> {
        if !self.session.missing_keys.look
            || !self.session.is_live()
            || self.session.room() == 0
            || self.session.asking.contains(&Question::Keys)
        {
            return Ok(());
        }
        let own = self.me()?.own;
        let waiting = sealed::epochs_waited_for(&self.db, MOST)?;
        let missing_links: Vec<Epoch> = waiting.iter().filter(|(c, _)| *c == own).map(|(_, e)| *e).collect();
        if let Some(links) = self.links_to(own, &missing_links)? {
            let keys = links.iter().map(|e| SlotKey::of_name(own, &chain_name(*e))).collect();
            self.ask_once(Question::Keys, Request::Slots(own, keys), Asked::Chain(links));
            return Ok(());
        }
        let batch = usize::from(self.session.limits.batch).max(1);
        let wanted: Vec<_> = waiting
            .into_iter()
            .chain(self.session.missing_keys.asked_for.iter().copied())
            .filter(|at| at.0 != own && !self.session.missing_keys.read.contains(at))
            .take(batch)
            .collect();
        if wanted.is_empty() {
            self.session.missing_keys.look = false;
            return Ok(());
        }
        let account = self.me()?.account;
        let keys = wanted.iter().map(|(id, epoch)| SlotKey::of_keyring(account, *id, *epoch)).collect();
        self.ask_once(Question::Keys, Request::Slots(own, keys), Asked::Keys(wanted));
        Ok(())
    }

    /// Links of the self chain, newest first, that lead from a key that is here towards the newest missing one.
    fn links_to(&mut self, own: ConversationId, missing: &[Epoch]) -> Result<Option<Vec<Epoch>>> {
        let batch = u64::from(self.session.limits.batch).max(1);
        let known = sealed::epochs_with_key(&self.db, own)?;
        for epoch in missing {
            let Some(above) = known.iter().find(|k| *k > epoch) else { continue };
            let first = above.0.saturating_sub(batch - 1).max(epoch.0 + 1);
            let links: Vec<Epoch> = (first..=above.0).rev().map(Epoch).collect();
            if links.iter().any(|link| self.session.missing_keys.links.insert(*link)) {
                return Ok(Some(links));
            }
        }
        Ok(None)
    }

    /// Links of the self chain came, as many as there are.
    pub(super) fn on_chain(&mut self, mut slots: Vec<Slot>, asked: &[Epoch]) -> Result<()> {
        self.session.asking.remove(&Question::Keys);
        let own = self.me()?.own;
        let keys: BTreeSet<SlotKey> = asked.iter().map(|e| SlotKey::of_name(own, &chain_name(*e))).collect();
        // Each opens with the key that the one before it gave.
        slots.sort_by_key(|slot| std::cmp::Reverse(slot.epoch));
        self.take_asked(own, &slots, &keys)
    }

    /// Keys of the keyring came, as many as there are.
    pub(super) fn on_keyring(&mut self, slots: &[Slot], asked: &[(ConversationId, Epoch)]) -> Result<()> {
        self.session.asking.remove(&Question::Keys);
        let (me, own) = (self.me()?.account, self.me()?.own);
        let keys = asked.iter().map(|(id, epoch)| SlotKey::of_keyring(me, *id, *epoch)).collect();
        self.session.missing_keys.read.extend(asked);
        self.take_asked(own, slots, &keys)?;
        let there: BTreeSet<SlotKey> = slots.iter().map(|slot| slot.key).collect();
        for at in asked {
            if self.session.missing_keys.asked_for.remove(at) {
                self.session.asks.look_for_asks(at.0, self.now);
            }
            if !there.contains(&SlotKey::of_keyring(me, at.0, at.1)) {
                self.session.missing_keys.absent.insert(*at);
            }
        }
        if !asked.is_empty() {
            self.session.asks.look();
        }
        Ok(())
    }

    fn take_asked(&mut self, own: ConversationId, slots: &[Slot], keys: &BTreeSet<SlotKey>) -> Result<()> {
        for slot in slots {
            if slot.conversation != own || !keys.contains(&slot.key) {
                return self.out_of_turn("a slot that was not asked for");
            }
            self.on_slot(slot)?;
        }
        Ok(())
    }

    pub(super) fn keys_refused(&mut self) {
        // Asked again with the next thing that waits, or at the next connection.
        self.ask_again_later(Question::Keys);
    }
}
