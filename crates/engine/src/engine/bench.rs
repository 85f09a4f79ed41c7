//! What the benches need beside the public interface: seals, and messages of somebody else's without an engine of
//! theirs. Only with the feature `bench`.

use diario_protocol::{
    AccountId, Body, Change, Changes, ConversationId, DeviceId, Entry, EntryId, EntryKind, Epoch, Position,
    Seq, ServerFrame, Timestamp,
};

use super::entries::{entry_id, short_hash};
use super::letter::Letter;
use super::{Engine, Result};
use crate::content::MimiContent;
use crate::crypto::identity::KeyPair;
use crate::crypto::key::ConversationKey;
use crate::crypto::provider::RustCrypto;
use crate::crypto::seal::{self, Place, Subject};
use crate::error::EngineError;

/// Somebody who seals.
pub struct Author {
    account: AccountId,
    device: DeviceId,
    key: KeyPair,
    random: RustCrypto,
}

impl Author {
    /// The device of an engine.
    pub fn of(engine: &Engine) -> Result<Self> {
        let me = engine.me()?;
        let (account, device, key) = (me.account, me.device, me.key.clone());
        Ok(Self { account, device, key, random: RustCrypto::default() })
    }

    fn place(&self, conversation: ConversationId, epoch: Epoch, id: EntryId) -> Place {
        let subject = Subject::Entry { id, annotates: None };
        Place { conversation, epoch, account: self.account, device: self.device, subject }
    }

    /// Seals something under a key of no conversation.
    pub fn seal(&self, content: Vec<u8>) -> Result<Vec<u8>> {
        let place = self.place(ConversationId::new([1; 16]), Epoch(2), EntryId::new([3; 16]));
        seal::seal(&place, &nobodys_key()?, &self.key, content, &self.random)
    }

    /// Opens what [`Self::seal`] gave.
    pub fn open(&self, sealed: &[u8]) -> Result<Vec<u8>> {
        let place = self.place(ConversationId::new([1; 16]), Epoch(2), EntryId::new([3; 16]));
        let opened = seal::open(&place, &nobodys_key()?, &self.key.signing().verifying_key(), sealed);
        opened.map_err(|_| EngineError::Internal("what was sealed does not open"))
    }

    /// The frame in which a server would tell `reader` of this author's next messages, all of `text`'s length.
    pub fn says(
        &self,
        reader: &mut Engine,
        conversation: ConversationId,
        count: u64,
        text: &str,
    ) -> Result<Vec<u8>> {
        let cursor = reader.me()?.cursor.0;
        let Some(known) = reader.conversation(conversation)?.cloned() else {
            return Err(EngineError::Internal("no conversation"));
        };
        let (epoch, mut hash) = (known.log_epoch, known.log_hash);
        let key = reader.key(conversation, epoch)?.ok_or(EngineError::Internal("no key"))?;
        let mut items = Vec::new();
        for n in 0..count {
            let seq = Seq(known.log_next.0 + n);
            let mut salt = [0; 16];
            salt[..8].copy_from_slice(&seq.0.to_be_bytes());
            let content = MimiContent::text(salt, text);
            let bytes = content.encode().map_err(|_| EngineError::Internal("a text does not encode"))?;
            let id = entry_id(conversation, self.account, &bytes, &salt)
                .map_err(|_| EngineError::Internal("a text has no id"))?;
            let letter = Letter {
                seen: Seq(seq.0 - 1),
                seen_hash: short_hash(&hash),
                sent_at: Timestamp(1_700_000_000_000 + seq.0),
                content: bytes,
            };
            let place = self.place(conversation, epoch, id);
            let body = seal::seal(&place, &key, &self.key, diario_protocol::encode(&letter), &self.random)?;
            let entry = Entry {
                conversation,
                seq,
                id,
                kind: EntryKind::Application,
                epoch,
                account: self.account,
                device: self.device,
                annotates: None,
                received_at: letter.sent_at,
                body: Body::Present(body.into()),
            };
            hash = hash.after_entry(&entry);
            let what = diario_protocol::What::Entry(entry);
            items.push(Change { position: Position(cursor + 1 + n), what });
        }
        Ok(diario_protocol::encode(&ServerFrame::Changes(Changes { items, live: false })))
    }
}

fn nobodys_key() -> Result<ConversationKey> {
    ConversationKey::from_slice(&[7; 32]).ok_or(EngineError::Internal("32 bytes are a key"))
}
