//! Puts the words of messages into the index, some at a time, after they were stored.
//!
//! The schema's triggers note what is to be done, so nobody who writes messages has to think of it. It is done in
//! steps, when there is nothing else, and before something is looked for: catching up is not slowed, and a large
//! store of an older version is opened at once.

use diario_protocol::Timestamp;

use super::{Engine, Result, Timer, origin_of};
use crate::search::words;
use crate::store::search;

/// Messages in one step: some ten milliseconds.
const STEP: usize = 500;
/// What came is indexed after so long, in milliseconds: many together cost less than each alone.
const PAUSE_MS: u64 = 5000;
/// Between two steps, in milliseconds, so that other inputs come in between.
const BREATH_MS: u64 = 20;

impl Engine {
    /// Makes a number of messages findable; gives how many are still to come. Drivers need not call this: `tick` does.
    pub fn index_more(&mut self, now: Timestamp) -> Result<u64> {
        if search::waits(&self.db)? {
            self.input(now, Self::index_step)?;
        }
        Ok(search::waiting(&self.db)?)
    }

    /// Sees to it that what came is indexed soon.
    pub(super) fn plan_indexing(&mut self) -> Result<()> {
        if !self.timers.contains_key(&Timer::Index) && search::waits(&self.db)? {
            self.set_timer(Timer::Index, self.now.plus_ms(PAUSE_MS));
        }
        Ok(())
    }

    pub(super) fn index_step(&mut self) -> Result<()> {
        let batch = search::take(&self.db, STEP)?;
        let last = if batch.len() < STEP { i64::MIN } else { batch.last().map_or(i64::MIN, |m| m.message) };
        let mut text = String::new();
        // Of those of one moment, the later ones are found first.
        for message in batch.into_iter().rev() {
            text.clear();
            text.push_str(&search::made_tag(&self.db, message.conversation.as_bytes())?);
            let origin = message.content.as_deref().and_then(origin_of).map(|name| name.to_lowercase());
            let sender = origin.as_deref().map_or(message.account.as_bytes().as_slice(), str::as_bytes);
            // A notice of an imported chat is nobody's.
            if !sender.is_empty() {
                text.push(' ');
                text.push_str(&search::made_tag(&self.db, sender)?);
            }
            words(&message.text, |word, _| {
                text.push(' ');
                text.push_str(word);
            });
            search::put(&self.db, message.message, message.sent_at, &text)?;
        }
        search::done(&self.db, last)?;
        self.timers.remove(&Timer::Index);
        if search::waits(&self.db)? {
            self.set_timer(Timer::Index, self.now.plus_ms(BREATH_MS));
        }
        Ok(())
    }
}
