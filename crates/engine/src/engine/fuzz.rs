//! A member that lies inside its seals: what a slot or an entry holds, once it has opened.
//!
//! No server can do that, and the sequences of `tests/it/drive` cannot either: they hold no device's key.

use diario_protocol::device_list::{DeviceList, DeviceRole, ListedDevice};
use diario_protocol::{
    AccountId, Body, ConversationId, ConversationKind, DeviceId, Entry, EntryId, EntryKind, Epoch, Seq, Slot,
    SlotKey, SlotVersion, Timestamp,
};
use rusqlite::Connection;

use super::entries::{entry_id, short_hash};
use super::join::admin;
use super::letter::Letter;
pub(crate) use super::link::reads_payload;
use super::{Engine, EngineConfig, ImportItem, Result};
use crate::content::MimiContent;
use crate::crypto::identity::KeyPair;
use crate::crypto::key::ConversationKey;
use crate::crypto::seal::{self, Place, Subject};
use crate::error::EngineError;
use crate::event::Event;
use crate::store::conversation::{self, Conversation};
use crate::store::people::{self, Stage};
use crate::store::sealed::NamedValue;
use crate::view::{Anchor, SearchQuery};

const NOW: Timestamp = Timestamp(1_700_000_000_000);
/// What an input can be about, by its number: a slot of the account's own, one of a conversation with somebody else,
/// that one's message, or that one's commit.
const ABOUT: [About; 26] = [
    About::Own("keyring", Ends::Here),
    About::Own("chain/", Ends::With("1")),
    About::Own("snapshot/", Ends::With("0")),
    About::Own("settings", Ends::Here),
    About::Own("draft/", Ends::WithConversation),
    About::Own("arrangement/", Ends::WithConversation),
    About::Own("read/", Ends::WithConversation),
    About::Own("device/", Ends::WithDevice),
    About::Own("device-link/", Ends::WithDevice),
    About::Own("device-key/", Ends::WithDevice),
    About::Own("identity/", Ends::WithDevice),
    About::Own("verified/", Ends::WithAccount),
    About::Own("accepted/", Ends::WithAccount),
    About::Own("recovery/", Ends::WithAccount),
    About::Own("title", Ends::Here),
    About::Own("draft/", Ends::With("nowhere")),
    About::Theirs("title", Ends::Here),
    About::Theirs("receipts/", Ends::WithAccount),
    About::Theirs("ask/", Ends::WithDevice),
    About::Theirs("answer/", Ends::WithBoth),
    About::Theirs("", Ends::Here),
    About::Message,
    About::Letter,
    About::Commit,
    About::Named,
    About::Time,
];

#[derive(Clone, Copy)]
enum About {
    Own(&'static str, Ends),
    Theirs(&'static str, Ends),
    /// In a good letter.
    Message,
    /// What is sealed.
    Letter,
    /// What is in the log is the bundle.
    Commit,
    /// What is sealed is the name and the value.
    Named,
    /// Nothing is said for a while.
    Time,
}

/// How the name of a slot goes on.
#[derive(Clone, Copy)]
enum Ends {
    Here,
    With(&'static str),
    WithConversation,
    /// The writer's.
    WithDevice,
    /// The writer's.
    WithAccount,
    /// The reader's device and the writer's.
    WithBoth,
}

/// Plays an input: pieces, each after a byte that says what it is about, one that is its version or what it refers to,
/// and its length in two. Says whether each piece was about something.
pub fn sealed(mut bytes: &[u8]) -> bool {
    let mut liar = Liar::new().expect("a device begins");
    let mut meant = !bytes.is_empty();
    while let Some(([about, number, high, low], rest)) = bytes.split_first_chunk::<4>() {
        let length = usize::from(u16::from_be_bytes([*high, *low])).min(rest.len());
        let (value, rest) = rest.split_at(length);
        bytes = rest;
        match ABOUT.get(usize::from(*about)) {
            Some(about) => {
                let taken = liar.piece(*about, u64::from(*number), value);
                assert!(taken.is_ok(), "{taken:?}");
                let shown = liar.is_shown();
                assert!(shown.is_ok(), "{shown:?}");
            }
            None => meant = false,
        }
    }
    meant
}

/// A device that holds the keys of two conversations, and the one who writes in them.
struct Liar {
    engine: Engine,
    own: Writer,
    friend: Writer,
    now: Timestamp,
}

struct Writer {
    conversation: ConversationId,
    account: AccountId,
    key: KeyPair,
    secret: ConversationKey,
}

impl Writer {
    fn device(&self) -> DeviceId {
        self.key.device_id()
    }

    fn seal(&self, engine: &Engine, subject: Subject, content: Vec<u8>) -> Result<Vec<u8>> {
        let (account, device) = (self.account, self.device());
        let place = Place { conversation: self.conversation, epoch: Epoch(0), account, device, subject };
        seal::seal(&place, &self.secret, &self.key, content, &engine.crypto)
    }
}

impl Liar {
    fn new() -> Result<Self> {
        let db = Connection::open_in_memory().map_err(crate::StoreError::from)?;
        let mut engine = Engine::open(db, EngineConfig::default())?;
        let (identity, key) = (KeyPair::from_secret(&[1; 32]), KeyPair::from_secret(&[2; 32]));
        let friend = identity.account_id();
        let list = DeviceList {
            identity_key: identity.public(),
            version: 1,
            issued_at: NOW,
            devices: vec![ListedDevice { key: key.public(), role: DeviceRole::Primary, valid_until: None }],
        };
        let (Ok(valid), Ok(username)) = (list.sign(identity.signing()).validate(), "giulia".parse()) else {
            return Err(EngineError::Internal("a list that was signed is valid"));
        };
        let Ok(()) = engine.register("ws://here", "anna", "laptop", None, NOW) else {
            return Err(EngineError::Internal("an account can be made offline"));
        };
        engine
            .input(NOW, |engine| {
                let me = engine.me.as_mut().ok_or(EngineError::Internal("no account"))?;
                me.stage = Stage::Active;
                me.save(&engine.db)?;
                let (account, mine) = (me.account, me.key.clone());
                people::save_list(&engine.db, Some(&username), &valid)?;
                let (own, pair) =
                    (ConversationId::of_self(account), ConversationId::of_pair(account, friend));
                let mut opened = Conversation::new(own, ConversationKind::SelfConversation, NOW);
                opened.save(&engine.db)?;
                opened = Conversation::new(pair, ConversationKind::Direct, NOW);
                opened.save(&engine.db)?;
                conversation::set_participants(&engine.db, pair, &[admin(account), admin(friend)])?;
                engine.conversations.clear();
                let secret = ConversationKey::from_slice(&[7; 32]).ok_or(EngineError::Internal("no key"))?;
                engine.learn_key(own, Epoch(0), &secret, true)?;
                engine.learn_key(pair, Epoch(0), &secret, true)?;
                let own = Writer { conversation: own, account, key: mine, secret: secret.clone() };
                Ok((own, Writer { conversation: pair, account: friend, key, secret }))
            })
            .map(|(own, friend)| Self { engine, own, friend, now: NOW })
    }

    fn piece(&mut self, about: About, number: u64, value: &[u8]) -> Result<()> {
        match about {
            About::Own(name, ends) => self.slot(true, name, ends, number, value),
            About::Theirs(name, ends) => self.slot(false, name, ends, number, value),
            About::Named => {
                let key = SlotKey::new([9; 16]);
                self.put(false, key, SlotVersion(number), value.to_vec())
            }
            About::Message => self.letter(number, value),
            About::Letter => self.message(number, value),
            About::Commit => self.entry(EntryKind::Commit, EntryId::new([8; 16]), None, value.to_vec()),
            About::Time => {
                self.now = self.now.plus_ms(1 << (number % 40));
                self.engine.tick(self.now)
            }
        }
    }

    fn slot(&mut self, own: bool, name: &str, ends: Ends, number: u64, value: &[u8]) -> Result<()> {
        let writer = if own { &self.own } else { &self.friend };
        let end = match ends {
            Ends::Here => String::new(),
            Ends::With(end) => end.to_owned(),
            Ends::WithConversation => self.friend.conversation.to_string(),
            Ends::WithDevice => writer.device().to_string(),
            Ends::WithAccount => self.friend.account.to_string(),
            Ends::WithBoth => format!("{}/{}", self.own.device(), writer.device()),
        };
        let name = format!("{name}{end}");
        let key = match super::slots::read_ring(value) {
            Some(ring) if name == "keyring" => {
                SlotKey::of_keyring(writer.account, ring.conversation, ring.epoch)
            }
            _ => SlotKey::of_name(writer.conversation, &name),
        };
        let named = NamedValue { name, value: value.to_vec(), head: true };
        self.put(own, key, SlotVersion(number), diario_protocol::encode(&named))
    }

    fn put(&mut self, own: bool, key: SlotKey, version: SlotVersion, content: Vec<u8>) -> Result<()> {
        let writer = if own { &self.own } else { &self.friend };
        let body = writer.seal(&self.engine, Subject::Slot { key, version }, content)?;
        let slot = Slot {
            conversation: writer.conversation,
            key,
            version,
            epoch: Epoch(0),
            account: writer.account,
            device: writer.device(),
            body: body.into(),
        };
        self.engine.input(self.now, |engine| engine.on_slot(&slot))
    }

    /// A letter as an honest device writes it, but for the content.
    fn letter(&mut self, number: u64, content: &[u8]) -> Result<()> {
        let (id, sent_at) = (self.friend.conversation, self.now);
        let letter = self.engine.input(sent_at, |engine| {
            let known = engine.conversation(id)?.cloned().ok_or(EngineError::Internal("no conversation"))?;
            let (seen, seen_hash) = (Seq(known.log_next.0 - 1), short_hash(&known.log_hash));
            Ok(Letter { seen, seen_hash, sent_at, content: content.to_vec() })
        })?;
        self.message(number, &diario_protocol::encode(&letter))
    }

    fn message(&mut self, number: u64, letter: &[u8]) -> Result<()> {
        let (id, account) = (self.friend.conversation, self.friend.account);
        // The name of a content that is none does not matter: it is not looked at.
        let read: Option<Letter> = diario_protocol::decode(letter, letter.len()).ok();
        let named = read.and_then(|letter| {
            let salt = MimiContent::decode(&letter.content).ok()?.salt;
            entry_id(id, account, &letter.content, &salt).ok()
        });
        let (named, annotates) =
            (named.unwrap_or(EntryId::new([8; 16])), Some(Seq(number)).filter(|s| s.0 > 0));
        let subject = Subject::Entry { id: named, annotates };
        let body = self.friend.seal(&self.engine, subject, letter.to_vec())?;
        self.entry(EntryKind::Application, named, annotates, body)
    }

    fn entry(&mut self, kind: EntryKind, id: EntryId, annotates: Option<Seq>, body: Vec<u8>) -> Result<()> {
        let writer = &self.friend;
        let (account, device, conversation) = (writer.account, writer.device(), writer.conversation);
        self.engine.input(self.now, |engine| {
            let Some(known) = engine.conversation(conversation)?.cloned() else { return Ok(()) };
            engine.on_entry(&Entry {
                conversation,
                seq: known.log_next,
                id,
                kind,
                epoch: known.log_epoch,
                account,
                device,
                annotates,
                received_at: NOW,
                body: Body::Present(body.into()),
            })
        })
    }

    /// Whatever was in there, everything can be asked for afterwards.
    fn is_shown(&mut self) -> Result<()> {
        let (engine, now) = (&mut self.engine, self.now);
        while let Some(event) = engine.poll_event() {
            assert!(!format!("{event:?}").is_empty());
            assert!(!matches!(event, Event::Revoked), "nobody but the account says that");
        }
        assert!(engine.poll_transmit().is_none(), "there is no connection");
        engine.devices(now)?;
        engine.stage(now)?;
        engine.settings()?;
        engine.usage()?;
        engine.recovery_methods()?;
        for row in engine.conversation_rows()? {
            engine.draft(row.id)?;
            engine.markers(row.id)?;
            engine.members(row.id)?;
            for message in engine.history(row.id, Anchor::Newest, 50)?.messages {
                engine.message(row.id, message.id)?;
                engine.said_about(row.id, message.seq.unwrap_or_default())?;
            }
        }
        engine.trust(self.friend.account)?;
        let found =
            engine.search(&SearchQuery { words: "c".into(), limit: 20, ..SearchQuery::default() }, now)?;
        for hit in found.hits {
            assert!(hit.places.iter().all(|(from, to)| hit.message.text.get(*from..*to).is_some()));
        }
        assert!(engine.diagnose()?.damage.is_empty());
        Ok(())
    }
}

/// An export, imported twice: the second time adds nothing.
///
/// Each line is a message: a byte for its key, one for its sender, and its text.
pub fn imports(bytes: &[u8]) -> bool {
    let items: Vec<ImportItem> = bytes.split(|b| *b == b'\n').take(64).filter_map(item).collect();
    let mut engine = Liar::new().expect("a device begins").engine;
    let title = items.first().map_or("", |item| item.text.as_str());
    let mut import = || {
        let id = engine.import_conversation(title, NOW).ok()?;
        Some((id, engine.import(id, &items, NOW).ok()?))
    };
    let Some((id, first)) = import() else { return false };
    assert!(first <= items.len());
    assert_eq!(import(), Some((id, 0)), "the same export adds nothing");
    let shown = engine.history(id, Anchor::Newest, 100).expect("a history").messages;
    assert_eq!(shown.len(), first, "what was taken is shown");
    first > 0
}

fn item(line: &[u8]) -> Option<ImportItem> {
    let ([key, sender], text) = line.split_first_chunk::<2>()?;
    let sender = Some(format!("sender {sender}")).filter(|name| name != "sender 0");
    let sent_at = Timestamp(u64::from(*key) << 36);
    let text = String::from_utf8_lossy(text).into_owned();
    Some(ImportItem { key: [*key; 16], sender, sent_at, text })
}
