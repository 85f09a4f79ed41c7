//! Two people with a group, for the contract to act on.

use std::sync::{Arc, Mutex, PoisonError};

use diario_protocol::device_list::{DeviceList, DeviceRole, ListedDevice, ValidatedDeviceList};
use diario_protocol::{
    AccountId, Bin, ConversationId, ConversationKind, DeviceId, DeviceRef, Digest, EntryId, Epoch, LogRange,
    Position, PublicKey, Seq, SlotKey, SlotVersion, SlotWrite, Timestamp, Username, What,
};
use ed25519_dalek::SigningKey;
use sha2::{Digest as _, Sha256};

use super::Place;
use crate::storage::{
    Event, Listener, MailboxLimits, NewAccount, NewCommit, NewConversation, NewEntry, NewKeyPackages,
    NewSlots, Storage,
};

pub(super) const NOW: Timestamp = Timestamp(1_000);
pub(super) const LATER: Timestamp = Timestamp(9_000);
pub(super) const PAGE: usize = 1 << 20;
pub(super) const LIMITS: MailboxLimits = MailboxLimits { lifetime_ms: 100, messages: 2, open: 2 };

/// Remembers what was committed.
#[derive(Default)]
pub(super) struct Recorder(Mutex<Vec<Event>>);

impl Listener for Recorder {
    fn committed(&self, events: Vec<Event>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(events);
    }
}

impl Recorder {
    pub(super) fn changes_of(&self, account: AccountId) -> Vec<(Position, What)> {
        let events = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of = |event: &Event| match event {
            Event::Change(a, position, what) if *a == account => Some((*position, (**what).clone())),
            _ => None,
        };
        events.iter().filter_map(of).collect()
    }

    pub(super) fn pushes(&self) -> Vec<(DeviceRef, Option<Vec<ConversationId>>)> {
        let events = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of = |event: &Event| match event {
            Event::Push(device, silent) => Some((*device, silent.clone())),
            _ => None,
        };
        events.iter().filter_map(of).collect()
    }

    pub(super) fn mail(&self) -> Vec<(bool, Vec<u8>)> {
        let events = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of = |event: &Event| match event {
            Event::Mailbox { to_approver, body, .. } => Some((*to_approver, body.0.clone())),
            _ => None,
        };
        events.iter().filter_map(of).collect()
    }
}

/// A person with one device, by a number.
pub(super) struct Person {
    pub(super) key: SigningKey,
    pub(super) list: DeviceList,
    pub(super) device: DeviceRef,
}

pub(super) fn device_key(n: u8) -> PublicKey {
    PublicKey::new(SigningKey::from_bytes(&[n; 32]).verifying_key().to_bytes())
}

pub(super) fn listed(n: u8, role: DeviceRole, until: Option<Timestamp>) -> ListedDevice {
    ListedDevice { key: device_key(n), role, valid_until: until }
}

impl Person {
    /// Account and device keys are made of `n` and `n + 100`.
    pub(super) fn new(n: u8) -> Self {
        let key = SigningKey::from_bytes(&[n; 32]);
        let identity_key = PublicKey::new(key.verifying_key().to_bytes());
        let devices = vec![listed(n + 100, DeviceRole::Primary, None)];
        let list = DeviceList { identity_key, version: 1, issued_at: NOW, devices };
        let device = DeviceRef { account: list.account(), device: DeviceId::of_key(&device_key(n + 100)) };
        Self { key, list, device }
    }

    pub(super) fn id(&self) -> AccountId {
        self.list.account()
    }

    pub(super) fn signed(&self) -> ValidatedDeviceList {
        self.list.sign(&self.key).validate().expect("a list signed here")
    }

    pub(super) fn next_list(&mut self, devices: Vec<ListedDevice>) -> ValidatedDeviceList {
        self.list.version += 1;
        self.list.devices = devices;
        self.signed()
    }

    pub(super) fn account(&self, name: &str) -> NewAccount {
        NewAccount {
            username: username(name),
            list: self.signed(),
            key_packages: packages(1, true),
            self_conversation: creation(
                ConversationId::of_self(self.id()),
                ConversationKind::SelfConversation,
                self.device,
                &[self.id()],
            ),
            invite: None,
            release: None,
        }
    }

    pub(super) fn entry(&self, conversation: ConversationId, epoch: u64, n: u8) -> NewEntry {
        let body = Bin(vec![n; 40]);
        NewEntry {
            conversation,
            id: EntryId::new([n; 16]),
            epoch: Epoch(epoch),
            sender: self.device,
            annotates: None,
            digest: Digest::new(Sha256::digest(&body.0).into()),
            body,
            now: NOW,
        }
    }

    pub(super) fn commit(
        &self,
        conversation: ConversationId,
        epoch: u64,
        n: u8,
        members: &[&Self],
    ) -> NewCommit {
        NewCommit {
            entry: self.entry(conversation, epoch, n),
            participants: members.iter().map(|m| m.id()).collect(),
            leaves: members.iter().map(|m| m.device).collect(),
            welcomed: Vec::new(),
            welcome: None,
            group_info: Bin(vec![n; 3]),
            tree: Bin(vec![n; 4]),
            public_state: vec![n; 5],
            slots: Vec::new(),
            vault: Vec::new(),
        }
    }

    pub(super) fn slots(&self, conversation: ConversationId, epoch: u64, writes: Vec<SlotWrite>) -> NewSlots {
        NewSlots { conversation, epoch: Epoch(epoch), sender: self.device, writes, now: NOW }
    }
}

pub(super) fn username(name: &str) -> Username {
    name.parse().expect("a username")
}

pub(super) fn packages(one_time: u8, last_resort: bool) -> NewKeyPackages {
    NewKeyPackages {
        one_time: (0..one_time).map(|n| Bin(vec![n, 1])).collect(),
        last_resort: last_resort.then(|| Bin(vec![0xff])),
        most: 5,
    }
}

pub(super) fn creation(
    conversation: ConversationId,
    kind: ConversationKind,
    creator: DeviceRef,
    participants: &[AccountId],
) -> NewConversation {
    NewConversation {
        conversation,
        kind,
        creator,
        participants: participants.to_vec(),
        group_info: Bin(vec![1]),
        tree: Bin(vec![2]),
        public_state: vec![3],
        now: NOW,
    }
}

pub(super) fn write(key: u8, version: u64, head: bool) -> SlotWrite {
    SlotWrite {
        key: SlotKey::new([key; 16]),
        version: SlotVersion(version),
        head,
        body: Bin(vec![key, u8::try_from(version).unwrap_or(0)]),
    }
}

pub(super) fn range(conversation: ConversationId, from: u64, to: u64) -> LogRange {
    LogRange { conversation, from: Seq(from), to: Seq(to), commits_only: false, newest: false, about: None }
}

pub(super) struct World {
    pub(super) storage: Arc<dyn Storage>,
    pub(super) recorder: Arc<Recorder>,
    pub(super) marco: Person,
    pub(super) giulia: Person,
    /// A group of Marco's.
    pub(super) group: ConversationId,
}

impl World {
    pub(super) async fn new(place: &dyn Place) -> Self {
        let recorder = Arc::new(Recorder::default());
        let storage = place.open(recorder.clone());
        let (marco, giulia) = (Person::new(1), Person::new(2));
        storage.register(marco.account("marco")).await.expect("registration");
        storage.register(giulia.account("giulia")).await.expect("registration");
        let group = ConversationId::new([9; 16]);
        let new = creation(group, ConversationKind::Group, marco.device, &[marco.id()]);
        storage.create(new).await.expect("creation");
        Self { storage, recorder, marco, giulia, group }
    }

    /// Adds Giulia by a commit that ends epoch 0, with a welcome.
    pub(super) async fn add_giulia(&self) -> Seq {
        let mut commit = self.marco.commit(self.group, 0, 200, &[&self.marco, &self.giulia]);
        commit.welcomed = vec![self.giulia.device];
        commit.welcome = Some(Bin(vec![7]));
        self.storage.commit(commit).await.expect("commit")
    }

    pub(super) async fn diary(&self, person: &Person) -> Vec<(Position, What)> {
        let (changes, all) = self.storage.changes_after(person.id(), Position(0), PAGE).await.expect("diary");
        assert!(all);
        changes.into_iter().map(|c| (c.position, c.what)).collect()
    }
}
