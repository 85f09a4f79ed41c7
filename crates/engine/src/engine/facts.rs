//! What the account's devices know of each other, beside the signed list: names, when and by which a device was
//! linked, and what each says of itself.
//!
//! Each is a slot of the self conversation. Any device of the account may name another; what a device says of itself
//! is believed only if that device wrote it.

use diario_protocol::{ConversationId, DeviceId, Seen, Timestamp};
use minicbor::{Decode, Encode};
use rusqlite::Connection;

use super::preferences::effective;
use super::requests::Question;
use super::{Engine, Result};
use crate::crypto::hpke::{HpkePublic, HpkeSecret};
use crate::event::Event;
use crate::store::{devices, outbox, sealed};

const NAME: &str = "device/";
const LINKED: &str = "device-link/";
const WORD: &str = "device-key/";

/// Longer names and kinds are cut: whoever asks to be linked says what it likes.
const LONGEST: usize = 64;

/// Name of the self conversation's slot with what a device is called (UTF-8).
pub(crate) fn name_slot(device: DeviceId) -> String {
    format!("{NAME}{device}")
}

/// When a device came into the account. Which one let it in is who wrote the slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
struct LinkedValue {
    #[n(0)]
    at: Timestamp,
}

/// What a device says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Word {
    /// What others seal for it alone.
    #[n(0)]
    pub(crate) hpke: HpkePublic,
    /// Whether it holds the account identity key.
    #[n(1)]
    pub(crate) holds_identity: bool,
    /// What it runs on, like "Firefox on Linux".
    #[n(2)]
    pub(crate) platform: String,
}

/// What is known of a device that its list does not say.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    pub(crate) name: String,
    pub(crate) linked_at: Option<Timestamp>,
    /// `None` also for the one that made the account.
    pub(crate) linked_by: Option<DeviceId>,
    pub(crate) word: Option<Word>,
    pub(crate) seen_at: Option<Timestamp>,
}

/// What a device says of itself, as the server has it.
pub(super) fn word_of(db: &Connection, own: ConversationId, device: DeviceId) -> Result<Option<Word>> {
    let written = sealed::written(db, own, &format!("{WORD}{device}"))?;
    let Some((_, value)) = written.filter(|(writer, _)| *writer == device) else { return Ok(None) };
    Ok(diario_protocol::decode(&value, value.len()).ok())
}

/// What is known of a device.
pub(crate) fn facts_of(db: &Connection, own: ConversationId, device: DeviceId) -> Result<Facts> {
    let name = effective(db, own, &name_slot(device))?.unwrap_or_default();
    let linked = sealed::written(db, own, &format!("{LINKED}{device}"))?;
    let linked = linked.and_then(|(writer, value)| {
        Some((writer, diario_protocol::decode::<LinkedValue>(&value, value.len()).ok()?.at))
    });
    Ok(Facts {
        name: shortened(&String::from_utf8_lossy(&name)),
        linked_at: linked.map(|(_, at)| at),
        linked_by: linked.map(|(writer, _)| writer).filter(|writer| *writer != device),
        word: word_of(db, own, device)?,
        seen_at: devices::seen_at(db, device)?,
    })
}

/// At most [`LONGEST`] characters.
pub(super) fn shortened(text: &str) -> String {
    text.chars().take(LONGEST).collect()
}

/// Whether a slot of the self conversation is one of these.
pub(super) fn is_fact(name: &str) -> bool {
    [NAME, LINKED, WORD].iter().any(|prefix| name.starts_with(prefix))
}

impl Engine {
    /// Tells the account's devices of one that this device made one of them, or of itself.
    pub(super) fn introduce_device(&mut self, device: DeviceId, name: &str) -> Result<()> {
        let own = self.me()?.own;
        self.enqueue_slot(own, &name_slot(device), shortened(name).into_bytes(), true)?;
        let linked = LinkedValue { at: self.server_now() };
        self.enqueue_slot(own, &format!("{LINKED}{device}"), diario_protocol::encode(&linked), true)
    }

    /// Says of this device what only it can say, where the server does not have it so.
    pub(super) fn announce_device(&mut self) -> Result<()> {
        if std::mem::replace(&mut self.session.announced, true) {
            return Ok(());
        }
        let me = self.me()?.clone();
        let own = me.own;
        let word = Word {
            hpke: self.device_secret()?.public(&self.crypto)?,
            holds_identity: me.is_primary(),
            platform: shortened(&self.config.platform),
        };
        let name = format!("{WORD}{}", me.device);
        let value = diario_protocol::encode(&word);
        if word_of(&self.db, own, me.device)?.as_ref() == Some(&word) {
            // What waits, if anything does, says otherwise.
            return Ok(outbox::drop_slot(&self.db, own, &name)?);
        }
        let waits = outbox::slot(&self.db, own, &name)?.is_some();
        if waits && effective(&self.db, own, &name)?.as_ref() == Some(&value) {
            return Ok(());
        }
        self.enqueue_slot(own, &name, value, true)
    }

    /// What opens that which is sealed for this device alone.
    pub(super) fn device_secret(&mut self) -> Result<HpkeSecret> {
        if let Some(secret) = devices::secret(&self.db)? {
            return Ok(secret);
        }
        let secret = HpkeSecret::generate(&self.crypto)?;
        devices::save_secret(&self.db, &secret)?;
        Ok(secret)
    }

    /// The server tells when the account's devices were connected last.
    pub(super) fn on_last_seen(&mut self, seen: Vec<Seen>) -> Result<()> {
        self.session.asking.remove(&Question::LastSeen);
        let now = self.server_now();
        for Seen { device, at } in &seen {
            // 0: never.
            let at = at.unwrap_or(now);
            if at.0 > 0 {
                devices::save_seen(&self.db, *device, at.min(now))?;
            }
        }
        self.renew_the_seen()?;
        let ever = seen.into_iter().filter(|s| s.at.is_none_or(|at| at.0 > 0));
        self.emit(Event::LastSeen(ever.map(|s| (s.device, s.at)).collect()));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cut_between_characters() {
        assert_eq!(shortened("phone"), "phone");
        assert_eq!(shortened(&"è".repeat(100)).chars().count(), LONGEST);
    }
}
