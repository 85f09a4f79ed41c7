//! A server in a few lines: what an honest one would say, kept ready to be said, or not.

use std::collections::{BTreeMap, VecDeque};
use std::sync::OnceLock;

use diario_engine::{Engine, EngineConfig};
use diario_protocol::device_list::SignedDeviceList;
use diario_protocol::limits::Limits;
use diario_protocol::*;

/// The other person: real keys and key packages, from an engine of her own.
#[derive(Debug, Clone)]
pub(crate) struct Friend {
    pub(crate) account: AccountId,
    pub(crate) device: DeviceId,
    pub(crate) info: AccountInfo,
    pub(crate) key_packages: Vec<Bin>,
}

/// The other person; the same one in every run of a process.
pub(crate) fn friend() -> &'static Friend {
    static FRIEND: OnceLock<Friend> = OnceLock::new();
    FRIEND.get_or_init(|| {
        let db = rusqlite::Connection::open_in_memory().unwrap();
        let mut engine = Engine::open(db, EngineConfig::default()).unwrap();
        let now = Timestamp(1);
        engine.register("ws://there", "giulia", "phone", None, now).unwrap();
        engine.connected(now);
        let hello = encode(&ServerFrame::Hello(hello(ServerId::new([9; 16]), Nonce::new([9; 32]), now)));
        engine.receive(&[hello], now).unwrap();
        let login: ClientFrame = decode(&engine.poll_transmit().unwrap(), 1 << 24).unwrap();
        let unknown = ServerFrame::Refused(login.id, Refusal::NotFound("account".into()));
        engine.receive(&[encode(&unknown)], now).unwrap();
        let register: ClientFrame = decode(&engine.poll_transmit().unwrap(), 1 << 24).unwrap();
        let Request::Register(register) = register.request else { unreachable!("{register:?}") };
        let (_, account, device) = engine.whoami().unwrap();
        Friend {
            account,
            device,
            info: AccountInfo { username: register.username, list: register.list },
            key_packages: register.key_packages.one_time,
        }
    })
}

pub(crate) fn hello(server: ServerId, nonce: Nonce, now: Timestamp) -> Hello {
    Hello { protocol: PROTOCOL_VERSION, server, nonce, now, limits: Limits::default() }
}

/// A conversation as the server has it.
#[derive(Debug, Default)]
pub(crate) struct Log {
    pub(crate) epoch: u64,
    pub(crate) entries: Vec<Entry>,
    pub(crate) slots: BTreeMap<SlotKey, Slot>,
    pub(crate) group_info: Bin,
    pub(crate) tree: Bin,
}

/// What the server knows.
#[derive(Debug, Default)]
pub(crate) struct World {
    pub(crate) logs: BTreeMap<ConversationId, Log>,
    pub(crate) lists: Vec<SignedDeviceList>,
    pub(crate) username: Option<Username>,
    pub(crate) diary: Vec<Change>,
    /// What an honest server says next.
    pub(crate) ready: VecDeque<ServerFrame>,
    /// Requests that came on this connection.
    pub(crate) asked: Vec<RequestId>,
    /// Every push subscription that was put.
    pub(crate) pushes: Vec<Option<PushSubscription>>,
    /// Whether push subscriptions are refused.
    pub(crate) refuses_pushes: bool,
    connections: u8,
    subscribed: bool,
}

pub(crate) const SERVER: ServerId = ServerId::new([7; 16]);

impl World {
    /// A new connection.
    pub(crate) fn greet(&mut self, now: Timestamp) {
        self.connections = self.connections.wrapping_add(1);
        self.subscribed = false;
        self.asked.clear();
        self.ready.clear();
        self.ready.push_back(ServerFrame::Hello(hello(SERVER, Nonce::new([self.connections; 32]), now)));
    }

    fn change(&mut self, what: What) {
        let position = Position(self.diary.len() as u64 + 1);
        let change = Change { position, what };
        self.diary.push(change.clone());
        if self.subscribed {
            self.ready.push_back(ServerFrame::Changes(Changes { items: vec![change], live: true }));
        }
    }

    fn logged_in(&self) -> LoggedIn {
        LoggedIn {
            head: Position(self.diary.len() as u64),
            list_version: 1,
            key_packages: 2,
            username: self.username.clone().unwrap_or_else(|| "anna".parse().unwrap()),
        }
    }

    fn begin(&mut self, create: CreateConversation, me: AccountId) {
        let id = create.conversation;
        let log = Log { group_info: create.group_info, tree: create.tree, ..Log::default() };
        self.logs.insert(id, log);
        self.change(What::Joined(Membership {
            conversation: id,
            kind: create.kind,
            since: Seq(1),
            epoch: Epoch(0),
            hash_before: LogHash::start(&id),
            participants: match create.kind {
                ConversationKind::Direct => vec![me, friend().account],
                _ => vec![me],
            },
            retention: diario_protocol::Retention::FOREVER,
        }));
    }

    fn put_slots(&mut self, id: ConversationId, epoch: Epoch, writes: Vec<SlotWrite>, me: DeviceRef) {
        for write in writes {
            let slot = Slot {
                conversation: id,
                key: write.key,
                version: write.version,
                epoch,
                account: me.account,
                device: me.device,
                body: write.body,
            };
            self.logs.entry(id).or_default().slots.insert(slot.key, slot.clone());
            self.change(What::Slot(slot));
        }
    }

    fn append(&mut self, id: ConversationId, mut entry: Entry) -> Seq {
        let log = self.logs.entry(id).or_default();
        entry.seq = Seq(log.entries.len() as u64 + 1);
        if entry.kind == EntryKind::Commit {
            log.epoch += 1;
        }
        log.entries.push(entry.clone());
        let seq = entry.seq;
        let what = match entry.seq.0 % 2 {
            0 => What::Echo(id, seq, entry.id, entry.body.short_digest()),
            _ => What::Entry(entry),
        };
        self.change(what);
        seq
    }

    /// Makes an honest answer ready, and the changes that follow.
    pub(crate) fn answer(&mut self, frame: ClientFrame, me: Option<DeviceRef>, now: Timestamp) {
        let id = frame.id;
        self.asked.push(id);
        let mut then = None;
        let me = me.unwrap_or(DeviceRef { account: AccountId::new([0; 16]), device: DeviceId::new([0; 16]) });
        let reply = match frame.request {
            Request::Login(_) if self.lists.is_empty() => Err(Refusal::NotFound("account".into())),
            Request::Login(_) => Ok(Reply::LoggedIn(self.logged_in())),
            Request::Register(register) => {
                self.username = Some(register.username);
                self.lists.push(register.list);
                self.begin(register.self_conversation, me.account);
                Ok(Reply::Registered(self.logged_in()))
            }
            Request::Subscribe(after) => {
                self.subscribed = true;
                let items = self.diary.iter().filter(|c| c.position > after).cloned().collect();
                then = Some(ServerFrame::Changes(Changes { items, live: true }));
                Ok(Reply::Done)
            }
            Request::Create(create) => {
                self.begin(*create, me.account);
                Ok(Reply::Done)
            }
            Request::Append(append) => Ok(Reply::Appended(self.append(
                append.conversation,
                Entry {
                    conversation: append.conversation,
                    seq: Seq(0),
                    id: append.id,
                    kind: EntryKind::Application,
                    epoch: append.epoch,
                    account: me.account,
                    device: me.device,
                    annotates: append.annotates,
                    received_at: now,
                    body: Body::Present(append.body),
                },
            ))),
            Request::Commit(commit) => {
                let conversation = commit.conversation;
                let entry = Entry {
                    conversation,
                    seq: Seq(0),
                    id: commit.id,
                    kind: EntryKind::Commit,
                    epoch: commit.epoch,
                    account: me.account,
                    device: me.device,
                    annotates: None,
                    received_at: now,
                    body: Body::Present(commit.bundle),
                };
                let seq = self.append(conversation, entry);
                self.logs.entry(conversation).or_default().group_info = commit.group_info;
                self.put_slots(conversation, commit.epoch.next(), commit.slots, me);
                Ok(Reply::Appended(seq))
            }
            Request::PutSlots(put) => {
                let outcomes = vec![SlotOutcome::Stored; put.writes.len()];
                self.put_slots(put.conversation, put.epoch, put.writes, me);
                Ok(Reply::SlotsPut(outcomes))
            }
            Request::Log(range) => Ok(Reply::Log(self.page(&range))),
            Request::GroupState(conversation) => {
                let log = self.logs.entry(conversation).or_default();
                Ok(Reply::GroupState(GroupState {
                    conversation,
                    epoch: Epoch(log.epoch),
                    group_info: log.group_info.clone(),
                    tree: log.tree.clone(),
                }))
            }
            Request::Welcome(_) => Ok(Reply::Welcome(None)),
            Request::ClaimKeyPackages(devices) => {
                let mine = |d: &DeviceRef| d.device == friend().device;
                let one = |d| mine(d).then(|| friend().key_packages[0].clone());
                Ok(Reply::KeyPackages(devices.iter().map(one).collect()))
            }
            Request::Lookup(accounts) => {
                let own = self.username.clone().zip(self.lists.last().cloned());
                let own = own.map(|(username, list)| AccountInfo { username, list });
                let find = |asked: &AccountRef| match asked {
                    AccountRef::Name(name) if *name == friend().info.username => Some(friend().info.clone()),
                    AccountRef::Id(account) if *account == friend().account => Some(friend().info.clone()),
                    AccountRef::Id(account) if *account == me.account => own.clone(),
                    AccountRef::Name(_) | AccountRef::Id(_) => None,
                };
                Ok(Reply::Accounts(accounts.iter().map(find).collect()))
            }
            Request::DeviceListHistory(account) if account == friend().account => {
                Ok(Reply::DeviceLists(vec![friend().info.list.clone()]))
            }
            Request::DeviceListHistory(_) => Ok(Reply::DeviceLists(self.lists.clone())),
            Request::PutDeviceList(list) => {
                self.lists.push(list.clone());
                if let Some(username) = self.username.clone() {
                    self.change(What::DeviceList(AccountInfo { username, list }));
                }
                Ok(Reply::Done)
            }
            Request::OpenVault(_) | Request::Recover(_) => Err(Refusal::WrongRecoveryKey),
            Request::VaultMethods => Ok(Reply::VaultMethods(Vec::new())),
            Request::LastSeen => Ok(Reply::LastSeen(vec![Seen { device: me.device, at: None }])),
            Request::PutPush(push) => {
                self.pushes.push(push);
                if self.refuses_pushes { Err(Refusal::Invalid("no".into())) } else { Ok(Reply::Done) }
            }
            Request::PushKey => Ok(Reply::PushKey(None)),
            Request::Slots(id, keys) => {
                let slots = &self.logs.entry(id).or_default().slots;
                Ok(Reply::Slots(keys.iter().filter_map(|key| slots.get(key).cloned()).collect()))
            }
            Request::Heads(_) => Ok(Reply::Heads(Box::new(self.heads(me)))),
            Request::SeqAt(id, _) => {
                Ok(Reply::SeqAt(Seq(self.logs.entry(id).or_default().entries.len() as u64)))
            }
            Request::Signal(_) | Request::Ack(_) => return,
            Request::DropWelcome(..)
            | Request::PutKeyPackages(_)
            | Request::SetRetention(..)
            | Request::PutVault(_)
            | Request::OpenMailbox(_)
            | Request::JoinMailbox(_)
            | Request::PutMailbox(..)
            | Request::CloseMailbox(_) => Ok(Reply::Done),
        };
        self.ready.push_back(match reply {
            Ok(reply) => ServerFrame::Reply(id, reply),
            Err(refusal) => ServerFrame::Refused(id, refusal),
        });
        self.ready.extend(then);
    }

    /// The newest state of everything, the self conversation first.
    fn heads(&self, me: DeviceRef) -> Heads {
        let own = ConversationId::of_self(me.account);
        let mut heads = Heads {
            position: Position(self.diary.len() as u64),
            accounts: vec![friend().info.clone()],
            people: vec![me.account, friend().account],
            devices: vec![HeadDevice { account: 0, device: me.device }],
            items: Vec::new(),
            next: None,
        };
        for change in &self.diary {
            let What::Joined(membership) = &change.what else { continue };
            let Some(log) = self.logs.get(&membership.conversation) else { continue };
            let slot = |slot: &Slot| HeadSlot {
                key: slot.key,
                version: slot.version,
                epoch: slot.epoch,
                device: 0,
                body: slot.body.clone(),
            };
            let hash = log.entries.iter().fold(membership.hash_before, |hash, entry| hash.after_entry(entry));
            heads.items.push(ConversationHead {
                conversation: membership.conversation,
                kind: membership.kind,
                since: membership.since,
                since_epoch: membership.epoch,
                participants: (0..u32::try_from(membership.participants.len()).unwrap()).collect(),
                epoch: Epoch(log.epoch),
                head: Seq(log.entries.len() as u64),
                hash,
                left: false,
                others: Bin::default(),
                last: None,
                slots: log.slots.values().map(slot).collect(),
                keys: Vec::new(),
                since_hash: None,
                retention: None,
            });
        }
        heads.items.sort_by_key(|head| head.conversation != own);
        heads
    }

    fn page(&mut self, range: &LogRange) -> LogPage {
        let log = self.logs.entry(range.conversation).or_default();
        let mut hash_before = LogHash::start(&range.conversation);
        let mut entries = Vec::new();
        for entry in &log.entries {
            if entry.seq < range.from {
                hash_before = hash_before.after_entry(entry);
            } else if entry.seq <= range.to && (!range.commits_only || entry.kind == EntryKind::Commit) {
                entries.push(entry.clone());
            }
        }
        let head = Seq(log.entries.len() as u64);
        LogPage { conversation: range.conversation, hash_before, entries, head, about: Vec::new() }
    }
}
