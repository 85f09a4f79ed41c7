//! One device, a friend whose key packages are there, and as much of a server as the two need.

use std::collections::{HashMap, VecDeque};

use diario_engine::{Draft, Engine, EngineConfig};
use diario_protocol::limits::Limits;
use diario_protocol::{
    AccountId, AccountInfo, AccountRef, Body, Change, Changes, ClientFrame, ConversationId, ConversationKind,
    Entry, EntryId, EntryKind, Epoch, Hello, LogHash, LoggedIn, Membership, Nonce, PROTOCOL_VERSION,
    Position, Refusal, Register, Reply, Request, Retention, Seq, ServerFrame, ServerId, Slot, SlotOutcome,
    SlotWrite, Timestamp, What, decode, encode,
};

const NOW: Timestamp = Timestamp(1_700_000_000_000);
/// Frames that a device that comes to rest has reason to send.
const MOST_FRAMES: usize = 20_000;

/// See the module's documentation.
pub(super) struct World {
    pub(super) engine: Engine,
    pub(super) friend: Engine,
    pub(super) now: Timestamp,
    friends: Register,
    own: Option<Register>,
    /// Newest sequence and epoch.
    logs: HashMap<ConversationId, (u64, u64)>,
    diary: Vec<Change>,
    subscribed: bool,
    ready: VecDeque<ServerFrame>,
}

/// A device up to the moment when it asks for an account.
pub(super) fn register(name: &str) -> (Engine, Register, ClientFrame) {
    let db = rusqlite::Connection::open_in_memory().unwrap();
    let mut engine = Engine::open(db, EngineConfig::default()).unwrap();
    engine.register("ws://there", name, "phone", None, NOW).unwrap();
    engine.connected(NOW);
    let hello = Hello {
        protocol: PROTOCOL_VERSION,
        server: ServerId::new([7; 16]),
        nonce: Nonce::new([8; 32]),
        now: NOW,
        limits: Limits::default(),
    };
    engine.receive(&[encode(&ServerFrame::Hello(hello))], NOW).unwrap();
    let login: ClientFrame = decode(&engine.poll_transmit().unwrap(), usize::MAX).unwrap();
    let unknown = ServerFrame::Refused(login.id, Refusal::NotFound("account".into()));
    engine.receive(&[encode(&unknown)], NOW).unwrap();
    let frame: ClientFrame = decode(&engine.poll_transmit().unwrap(), usize::MAX).unwrap();
    let Request::Register(register) = frame.request.clone() else { unreachable!("{frame:?}") };
    (engine, *register, frame)
}

impl World {
    pub(super) fn new() -> Self {
        let (friend, friends, _) = register("giulia");
        let (engine, _, asked) = register("anna");
        let mut world = Self {
            engine,
            friend,
            now: NOW,
            friends,
            own: None,
            logs: HashMap::new(),
            diary: Vec::new(),
            subscribed: false,
            ready: VecDeque::new(),
        };
        world.answer(asked);
        world.settle();
        assert!(world.engine.is_live());
        world
    }

    /// A direct conversation with the friend, in whose group both are.
    pub(super) fn direct(&mut self) -> ConversationId {
        let friend = self.friend.whoami().unwrap().1;
        let id = self.engine.direct(friend, self.now).unwrap();
        self.engine.send(id, &Draft::Text("ciao".into()), self.now).unwrap();
        self.settle();
        assert!(self.engine.log_state(id).unwrap().unwrap().in_group && self.logs[&id].0 == 2);
        id
    }

    /// So many groups of one, with a message in each.
    pub(super) fn groups(&mut self, count: usize) {
        for n in 0..count {
            let id = self.engine.create_conversation(&format!("group {n}"), &[], self.now).unwrap();
            self.engine.send(id, &Draft::Text(format!("message {n}")), self.now).unwrap();
            self.settle();
        }
    }

    /// Until nobody has anything to say.
    pub(super) fn settle(&mut self) {
        for _ in 0..MOST_FRAMES {
            while self.engine.poll_event().is_some() {}
            let mut asked = false;
            while let Some(bytes) = self.engine.poll_transmit() {
                self.answer(decode(&bytes, usize::MAX).unwrap());
                asked = true;
            }
            self.engine.sync().unwrap();
            if !self.ready.is_empty() {
                let frames: Vec<_> = self.ready.drain(..).map(|frame| encode(&frame)).collect();
                self.engine.receive(&frames, self.now).unwrap();
                continue;
            }
            if asked {
                continue;
            }
            // Receipts, the index: what is due within seconds.
            match self.engine.deadline() {
                Some(due) if due <= NOW.plus_ms(5_000).max(self.now.plus_ms(1_000)) => {
                    self.now = self.now.max(due);
                    self.engine.tick(self.now).unwrap();
                }
                _ => return,
            }
        }
        panic!("it never comes to rest");
    }

    fn change(&mut self, what: What) {
        let change = Change { position: Position(self.diary.len() as u64 + 1), what };
        if self.subscribed {
            self.ready.push_back(ServerFrame::Changes(Changes { items: vec![change.clone()], live: true }));
        }
        self.diary.push(change);
    }

    fn me(&self) -> AccountId {
        self.engine.whoami().map_or(AccountId::new([0; 16]), |(_, account, _)| account)
    }

    fn begin(&mut self, conversation: ConversationId, kind: ConversationKind) {
        self.logs.insert(conversation, (0, 0));
        let friend = self.friends.list.validate().unwrap().account();
        self.change(What::Joined(Membership {
            conversation,
            kind,
            since: Seq(1),
            epoch: Epoch(0),
            hash_before: LogHash::start(&conversation),
            participants: match kind {
                ConversationKind::Direct => vec![self.me(), friend],
                _ => vec![self.me()],
            },
            retention: Retention::FOREVER,
        }));
    }

    fn append(&mut self, conversation: ConversationId, id: EntryId, kind: EntryKind, body: Body) -> Reply {
        let (_, account, device) = self.engine.whoami().unwrap();
        let log = self.logs.entry(conversation).or_default();
        log.0 += 1;
        let (seq, epoch) = (Seq(log.0), Epoch(log.1));
        log.1 += u64::from(kind == EntryKind::Commit);
        self.change(if kind == EntryKind::Commit {
            let received_at = self.now;
            let annotates = None;
            What::Entry(Entry {
                conversation,
                seq,
                id,
                kind,
                epoch,
                account,
                device,
                annotates,
                received_at,
                body,
            })
        } else {
            What::Echo(conversation, seq, id, body.short_digest())
        });
        Reply::Appended(seq)
    }

    fn put(&mut self, conversation: ConversationId, epoch: Epoch, writes: Vec<SlotWrite>) -> Reply {
        let (_, account, device) = self.engine.whoami().unwrap();
        let outcomes = vec![SlotOutcome::Stored; writes.len()];
        for SlotWrite { key, version, body, .. } in writes {
            self.change(What::Slot(Slot { conversation, key, version, epoch, account, device, body }));
        }
        Reply::SlotsPut(outcomes)
    }

    /// What a server would answer.
    fn answer(&mut self, frame: ClientFrame) {
        let mut then = None;
        let reply = match frame.request {
            Request::Register(register) => {
                self.begin(register.self_conversation.conversation, ConversationKind::SelfConversation);
                let username = register.username.clone();
                self.own = Some(*register);
                let head = Position(self.diary.len() as u64);
                Reply::Registered(LoggedIn { head, list_version: 1, key_packages: 20, username })
            }
            Request::Subscribe(after) => {
                self.subscribed = true;
                let items = self.diary.iter().filter(|c| c.position > after).cloned().collect();
                then = Some(ServerFrame::Changes(Changes { items, live: true }));
                Reply::Done
            }
            Request::Create(create) => {
                self.begin(create.conversation, create.kind);
                Reply::Done
            }
            Request::Append(append) => {
                let body = Body::Present(append.body);
                self.append(append.conversation, append.id, EntryKind::Application, body)
            }
            Request::Commit(commit) => {
                let (id, body) = (commit.conversation, Body::Present(commit.bundle));
                let appended = self.append(id, commit.id, EntryKind::Commit, body);
                self.put(id, commit.epoch.next(), commit.slots);
                appended
            }
            Request::PutSlots(put) => self.put(put.conversation, put.epoch, put.writes),
            Request::ClaimKeyPackages(devices) => {
                let packages = &mut self.friends.key_packages.one_time;
                Reply::KeyPackages(devices.iter().map(|_| packages.pop()).collect())
            }
            Request::Lookup(accounts) => {
                let me = self.me();
                let own = self.own.as_ref();
                let info = |r: &Register| AccountInfo { username: r.username.clone(), list: r.list.clone() };
                let find = |asked: &AccountRef| match asked {
                    AccountRef::Id(account) if *account == me => own.map(info),
                    _ => Some(info(&self.friends)),
                };
                Reply::Accounts(accounts.iter().map(find).collect())
            }
            Request::DeviceListHistory(_) => Reply::DeviceLists(vec![self.friends.list.clone()]),
            Request::Welcome(_) => Reply::Welcome(None),
            Request::Slots(..) => Reply::Slots(Vec::new()),
            Request::VaultMethods => Reply::VaultMethods(Vec::new()),
            Request::Signal(_) | Request::Ack(_) => return,
            _ => Reply::Done,
        };
        self.ready.push_back(ServerFrame::Reply(frame.id, reply));
        self.ready.extend(then);
    }
}
