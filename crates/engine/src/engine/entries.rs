//! Entries in the order of the log: opened, refused, or kept until they can be opened.

use diario_protocol::{
    AccountId, Body, ConversationId, Entry, EntryId, EntryKind, Epoch, LogHash, Timestamp,
};
use ed25519_dalek::VerifyingKey;

use super::letter::Letter;
use super::{Engine, Result};
use crate::content::{self, ContentView, MessageId, MimiContent};
use crate::crypto::key::ConversationKey;
use crate::crypto::seal::{self, OpenError, Place, Subject};
use crate::error::Misbehaviour;
use crate::event::Event;
use crate::store::conversation::Conversation;
use crate::store::message::{self, NewMessage, Placed, Waiting, state};
use crate::store::outbox;
use crate::store::people::{self, KnownDevice};
use crate::store::sealed;

/// Keys kept in memory; beyond them the cache begins anew. As many as a table of 512 places takes.
const MOST_CACHED: usize = 448;

/// How an entry of the log is kept here.
struct Shown {
    state: u8,
    reason: Option<String>,
    text: String,
    content: Option<Vec<u8>>,
    sent_at: Timestamp,
}

pub(super) fn short_hash(hash: &LogHash) -> Vec<u8> {
    hash.0.as_bytes()[..16].to_vec()
}

/// The id of an entry with this content.
pub(super) fn entry_id(
    conversation: ConversationId,
    account: AccountId,
    content: &[u8],
    salt: &[u8; 16],
) -> std::result::Result<EntryId, content::ContentError> {
    let sender = content::account_uri(account.as_bytes());
    let room = content::conversation_uri(conversation.as_bytes());
    let id = MessageId::derive(content, salt, &sender, &room)?;
    let mut short = [0; 16];
    short.copy_from_slice(&id.as_bytes()[1..17]);
    Ok(EntryId::new(short))
}

/// The words of a message, for lists and search.
pub(super) fn text_of(content: &MimiContent) -> String {
    fn words(view: &ContentView<'_>) -> String {
        match view {
            ContentView::Text { body, .. } => (*body).to_owned(),
            ContentView::Reaction { reactions, .. } => reactions.join(" "),
            ContentView::Edit { new, .. } => words(new),
            ContentView::Several(parts) => parts.iter().map(words).collect::<Vec<_>>().join("\n"),
            ContentView::Delete { .. } | ContentView::Attachment(_) | ContentView::Unsupported { .. } => {
                String::new()
            }
        }
    }
    words(&content.view())
}

impl Engine {
    /// Applies the entry that comes next in its log.
    pub(super) fn apply_next(&mut self, conversation: &Conversation, entry: &Entry) -> Result<()> {
        let id = conversation.id;
        let hash = conversation.log_hash.after_entry(entry);
        if entry.epoch != conversation.log_epoch {
            let what = Misbehaviour::WrongEpoch { expected: conversation.log_epoch, found: entry.epoch };
            return self.refuse(entry, hash, what);
        }
        let placed = self.proven_place(entry)?;
        match placed {
            Placed::At(seq) => return self.refuse(entry, hash, Misbehaviour::Replayed(seq)),
            Placed::Pending if !self.may_be_the_pending(entry)? => {
                return self.refuse(entry, hash, Misbehaviour::BadContent);
            }
            Placed::Pending | Placed::Nowhere => {}
        }
        match (entry.kind, &entry.body) {
            (EntryKind::Commit, Body::Present(_)) => self.apply_commit(conversation, entry, hash),
            (EntryKind::Application, Body::Present(sealed)) => {
                let waiting = Waiting { sealed: sealed.0.clone(), ..Waiting::of(entry, hash) };
                self.advance(id, entry.seq, hash)?;
                self.change(id)?.epoch_entries += 1;
                self.open_entry(&waiting, true)
            }
            (_, Body::Gone(_)) => self.apply_gone(conversation, entry, hash, placed),
            (kind, Body::Erased(_)) => {
                if kind == EntryKind::Commit {
                    self.change(id)?.log_epoch = conversation.log_epoch.next();
                    self.leave_group(id)?;
                    return self.refuse(entry, hash, Misbehaviour::Commit("the server erased it".into()));
                }
                self.advance(id, entry.seq, hash)?;
                let row = NewMessage { state: state::ERASED, ..row(&Waiting::of(entry, hash)) };
                message::put(&self.db, &row)?;
                self.emit(Event::Entry { conversation: id, seq: entry.seq });
                Ok(())
            }
        }
    }

    /// Whether an entry of the log may be the one of this id that waits to be sent here: this device's own, or what a
    /// sibling imported from the same export.
    pub(super) fn may_be_the_pending(&self, entry: &Entry) -> Result<bool> {
        let me = self.me()?;
        Ok(entry.account == me.account && (entry.device == me.device || entry.kind == EntryKind::Application))
    }

    /// Keeps a place in the log for an entry that is not accepted, and tells.
    pub(super) fn refuse(&mut self, entry: &Entry, hash: LogHash, what: Misbehaviour) -> Result<()> {
        self.advance(entry.conversation, entry.seq, hash)?;
        self.refuse_older(entry, hash, what)
    }

    /// The same, for an entry that is not at the end of the log.
    pub(super) fn refuse_older(&mut self, entry: &Entry, hash: LogHash, what: Misbehaviour) -> Result<()> {
        let reason = what.to_string();
        // Its id may be that of a good entry.
        let waiting = Waiting { id: id_of_nobody(&hash), ..Waiting::of(entry, hash) };
        message::put(
            &self.db,
            &NewMessage { state: state::REFUSED, reason: Some(&reason), ..row(&waiting) },
        )?;
        self.emit(Event::Entry { conversation: entry.conversation, seq: entry.seq });
        self.misbehaved(Some(entry.conversation), what);
        Ok(())
    }

    /// Opens an entry of a page of old ones: those who show the page are told of it as a whole.
    pub(super) fn open_older(&mut self, w: &Waiting) -> Result<()> {
        let (told, held) = (self.staged.events.len(), self.held.len());
        self.open_entry(w, false)?;
        self.held.truncate(held);
        let own = w.device == self.me()?.device;
        let of_page = |event: &Event| {
            matches!(event, Event::Message { .. } | Event::Entry { .. })
                || (!own && matches!(event, Event::Sent { .. }))
        };
        let after = self.staged.events.split_off(told);
        self.staged.events.extend(after.into_iter().filter(|event| !of_page(event)));
        Ok(())
    }

    /// Opens an entry, or keeps it until its key and its sender's device are known.
    pub(super) fn open_entry(&mut self, w: &Waiting, first: bool) -> Result<()> {
        let wait = |state| NewMessage { state, sealed: Some(&w.sealed), ..row(w) };
        let own = w.account == self.me()?.account;
        let own_device = own && w.device == self.me()?.device;
        // A sibling imported what this device was to import.
        let pending = own && !own_device && outbox::entry(&self.db, w.id)?.is_some();
        let Some(key) = self.key(w.conversation, w.epoch)? else {
            self.session.missing_keys.look = true;
            message::put(&self.db, &wait(state::WAITING_KEY))?;
            self.session.asks.look();
            self.emit(Event::Entry { conversation: w.conversation, seq: w.seq });
            return Ok(());
        };
        let Some(device) = people::device(&self.db, w.account, w.device)? else {
            message::put(&self.db, &wait(state::WAITING_DEVICE))?;
            self.emit(Event::Entry { conversation: w.conversation, seq: w.seq });
            return Ok(());
        };
        let shown = match self.read_letter(w, &key, &device)? {
            Ok(shown) => shown,
            Err(Misbehaviour::Forged(OpenError::OtherKey)) if self.is_outside(w.conversation)? => {
                // The key came from the keyring and may be wrong there; the right one replaces it.
                message::put(&self.db, &wait(state::WAITING_KEY))?;
                self.session.asks.look();
                self.emit(Event::Entry { conversation: w.conversation, seq: w.seq });
                return Ok(());
            }
            Err(what) => {
                let reason = what.to_string();
                let refused = NewMessage { state: state::REFUSED, reason: Some(&reason), ..row(w) };
                let id = if pending { w.hash.map_or(w.id, |hash| id_of_nobody(&hash)) } else { w.id };
                message::put(&self.db, &NewMessage { id, ..refused })?;
                self.emit(Event::Entry { conversation: w.conversation, seq: w.seq });
                self.misbehaved(Some(w.conversation), what);
                return Ok(());
            }
        };
        message::put(
            &self.db,
            &NewMessage {
                state: shown.state,
                reason: shown.reason.as_deref(),
                text: &shown.text,
                content: shown.content.as_deref(),
                sent_at: shown.sent_at,
                ..row(w)
            },
        )?;
        if own_device || pending {
            outbox::drop_entry(&self.db, w.id)?;
            self.session.lane(w.conversation).sent.remove(&w.id);
            self.emit(Event::Sent { conversation: w.conversation, id: w.id, seq: w.seq });
        } else {
            let live = first && self.session.is_live();
            let event = Event::Message { conversation: w.conversation, seq: w.seq, id: w.id, live };
            self.announce(w.conversation, w.account, event)?;
        }
        if !own {
            self.delivered(w.conversation, w.seq)?;
        }
        Ok(())
    }

    fn read_letter(
        &mut self,
        w: &Waiting,
        key: &ConversationKey,
        device: &KnownDevice,
    ) -> Result<std::result::Result<Shown, Misbehaviour>> {
        let Some(verifying) = self.verifying_key(device) else {
            return Ok(Err(Misbehaviour::Forged(OpenError::BadSignature)));
        };
        let place = Place {
            conversation: w.conversation,
            epoch: w.epoch,
            account: w.account,
            device: w.device,
            subject: Subject::Entry { id: w.id, annotates: w.annotates },
        };
        let letter = match seal::open(&place, key, &verifying, &w.sealed) {
            Ok(bytes) => bytes,
            Err(e) => return Ok(Err(Misbehaviour::Forged(e))),
        };
        let Ok(letter) = diario_protocol::decode::<Letter>(&letter, letter.len()) else {
            return Ok(Err(Misbehaviour::BadContent));
        };
        if letter.seen >= w.seq || !self.saw_the_same(w.conversation, &letter)? {
            return Ok(Err(Misbehaviour::Forked(letter.seen)));
        }
        Ok(read_content(w, &letter))
    }

    /// Whether the sender's log was this device's, as far as both have it.
    fn saw_the_same(&mut self, id: ConversationId, letter: &Letter) -> Result<bool> {
        if letter.seen.0 == 0 {
            return Ok(letter.seen_hash == short_hash(&LogHash::start(&id)));
        }
        let here = message::hash_at(&self.db, id, letter.seen)?;
        // What lies before this account's time, or is not here yet, cannot be compared.
        Ok(here.is_none_or(|hash| short_hash(&hash) == letter.seen_hash))
    }

    fn is_outside(&mut self, id: ConversationId) -> Result<bool> {
        use crate::store::conversation::Membership;
        Ok(self.conversation(id)?.is_none_or(|c| c.membership != Membership::Member))
    }

    /// The conversation key of an epoch, if it is known here.
    pub(super) fn key(&mut self, id: ConversationId, epoch: Epoch) -> Result<Option<ConversationKey>> {
        if let Some(key) = self.keys.get(&(id, epoch)) {
            return Ok(Some(key.clone()));
        }
        let key = sealed::key(&self.db, id, epoch)?;
        if let Some(key) = &key {
            self.keep_key(id, epoch, key);
        }
        Ok(key)
    }

    fn keep_key(&mut self, id: ConversationId, epoch: Epoch, key: &ConversationKey) {
        if self.keys.len() >= MOST_CACHED {
            self.keys.clear();
        }
        self.keys.insert((id, epoch), key.clone());
    }

    /// A key became known: everything that waited for it is opened.
    pub(super) fn learn_key(
        &mut self,
        id: ConversationId,
        epoch: Epoch,
        key: &ConversationKey,
        in_keyring: bool,
    ) -> Result<()> {
        if !sealed::save_key(&self.db, id, epoch, key, in_keyring)? {
            return Ok(());
        }
        self.keep_key(id, epoch, key);
        for waiting in message::waiting_for_key(&self.db, id, epoch)? {
            self.open_entry(&waiting, false)?;
        }
        for slot in sealed::waiting_slots(&self.db, id, epoch)? {
            self.open_slot(&slot)?;
        }
        Ok(())
    }

    pub(super) fn verifying_key(&mut self, device: &KnownDevice) -> Option<VerifyingKey> {
        if let Some(key) = self.verifying.get(&device.device) {
            return Some(*key);
        }
        let key = VerifyingKey::from_bytes(device.key.as_bytes()).ok()?;
        if self.verifying.len() >= MOST_CACHED {
            self.verifying.clear();
        }
        self.verifying.insert(device.device, key);
        Some(key)
    }
}

/// An id for the row of something that is not what it says it is.
fn id_of_nobody(hash: &LogHash) -> EntryId {
    let mut id = [0; 16];
    id.copy_from_slice(&hash.0.as_bytes()[..16]);
    EntryId::new(id)
}

fn read_content(w: &Waiting, letter: &Letter) -> std::result::Result<Shown, Misbehaviour> {
    let content = MimiContent::decode(&letter.content).map_err(|_| Misbehaviour::BadContent)?;
    let sender = content::account_uri(w.account.as_bytes());
    let room = content::conversation_uri(w.conversation.as_bytes());
    content.check_origin(&sender, &room).map_err(|_| Misbehaviour::BadContent)?;
    let id = entry_id(w.conversation, w.account, &letter.content, &content.salt)
        .map_err(|_| Misbehaviour::BadContent)?;
    if id != w.id {
        return Err(Misbehaviour::BadContent);
    }
    let (text, sent_at) = (text_of(&content), letter.sent_at);
    Ok(Shown { state: state::READABLE, reason: None, text, content: Some(letter.content.clone()), sent_at })
}

impl Waiting {
    fn of(entry: &Entry, hash: LogHash) -> Self {
        Self {
            conversation: entry.conversation,
            seq: entry.seq,
            id: entry.id,
            account: entry.account,
            device: entry.device,
            epoch: entry.epoch,
            annotates: entry.annotates,
            sealed: Vec::new(),
            hash: Some(hash),
            received_at: entry.received_at,
        }
    }
}

/// A row for an entry, with nothing in it yet.
pub(super) fn row(w: &Waiting) -> NewMessage<'static> {
    NewMessage {
        conversation: w.conversation,
        seq: Some(w.seq),
        id: w.id,
        account: w.account,
        device: w.device,
        epoch: w.epoch,
        annotates: w.annotates,
        sent_at: w.received_at,
        state: state::READABLE,
        reason: None,
        text: "",
        content: None,
        sealed: None,
        hash: w.hash,
    }
}

/// An entry with its hash, before it is opened.
pub(super) fn waiting_of(entry: &Entry, hash: LogHash) -> Waiting {
    let sealed = match &entry.body {
        Body::Present(sealed) => sealed.0.clone(),
        Body::Erased(_) | Body::Gone(_) => Vec::new(),
    };
    Waiting { sealed, ..Waiting::of(entry, hash) }
}

/// A row for a commit; without content, it changed nobody's membership.
pub(super) fn commit_row<'a>(entry: &Entry, hash: LogHash, content: Option<&'a [u8]>) -> NewMessage<'a> {
    NewMessage { state: state::COMMIT, content, ..row(&Waiting::of(entry, hash)) }
}

/// A row for an entry of which the server has only what keeps the log whole.
pub(super) fn gone_row(entry: &Entry, hash: LogHash) -> NewMessage<'static> {
    row(&Waiting::of(entry, hash))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::EngineConfig;

    #[test]
    fn keys_of_years_of_epochs_are_not_all_kept_in_memory() {
        let db = rusqlite::Connection::open_in_memory().unwrap();
        let mut engine = Engine::open(db, EngineConfig::default()).unwrap();
        let id = ConversationId::new([7; 16]);
        let key = |epoch: u64| ConversationKey::from_slice(&[epoch.to_be_bytes(); 4].concat()).unwrap();
        for epoch in 0..3_000 {
            engine.learn_key(id, Epoch(epoch), &key(epoch), true).unwrap();
            assert!(engine.keys.len() <= MOST_CACHED);
        }
        assert_eq!(engine.key(id, Epoch(3)).unwrap(), Some(key(3)), "from the store");
    }
}
