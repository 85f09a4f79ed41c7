//! The connection as the engine sees it: its state, the requests under way, and what waits in each conversation.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use diario_protocol::device_list::ValidatedDeviceList;
use diario_protocol::limits::Limits;
use diario_protocol::{
    AccountId, AccountRef, ClientFrame, ConversationId, DeviceId, DeviceRef, Digest, EntryId, Epoch,
    MailboxId, Nonce, Request, RequestId, Seq, ServerId, SlotKey, SlotVersion, Timestamp, VaultMethod,
    Welcome,
};

use super::Engine;
use super::bootstrap::Bootstrap;
use super::older::Filler;
use crate::event::{ConnectionState, Event};

/// Where a connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Phase {
    #[default]
    Offline,
    AwaitHello,
    /// Hello came; login or registration is under way, or a linking that needs none.
    AwaitLogin,
    CatchingUp,
    Live,
}

/// Everything about one connection. It is forgotten with it: whatever matters is in the store.
#[derive(Debug, Default)]
pub(super) struct Session {
    pub(super) phase: Phase,
    pub(super) limits: Limits,
    pub(super) nonce: Option<Nonce>,
    pub(super) server: Option<ServerId>,
    next_request: u32,
    pub(super) under_way: HashMap<RequestId, Asked>,
    pub(super) lanes: BTreeMap<ConversationId, Lane>,
    /// Questions that need no second copy under way.
    pub(super) asking: BTreeSet<Question>,
    /// Of these, those that were refused for a while, and until when not to ask again.
    refused: BTreeMap<Question, Timestamp>,
    pub(super) key_packages_left: u32,
    /// Mailbox requests that wait for the one under way: their order matters, and the server answers side by side.
    pub(super) mailbox_queue: VecDeque<Request>,
    pub(super) mailbox_busy: bool,
    /// Versions of device lists that came in answers, until the stream comes there.
    pub(super) lists_ahead: BTreeMap<AccountId, u64>,
    /// Accounts whose older device lists were read on this connection.
    pub(super) histories: BTreeSet<AccountId>,
    /// Keys that the keyring was seen to hold wrongly.
    pub(super) wrong_in_keyring: BTreeSet<(ConversationId, Epoch)>,
    /// Conversations and senders in which everybody has a name, and accounts whose name is wanted.
    pub(super) named: BTreeSet<(ConversationId, AccountId)>,
    pub(super) to_name: BTreeSet<AccountId>,
    /// Accounts that were looked up on this connection.
    pub(super) asked_about: BTreeSet<AccountId>,
    /// Epoch of the self conversation up to which the self chain was looked over.
    pub(super) chain_checked: Option<Epoch>,
    /// What this device says of itself was compared with what the server has.
    pub(super) announced: bool,
    /// Who holds the identity key, and who is to, was compared with the newest list.
    pub(super) roles_settled: bool,
    /// Linked devices whose time is to be prolonged with the next list.
    pub(super) to_renew: BTreeSet<DeviceId>,
    /// The server has a device list of the own account of this version, and it is not here yet.
    pub(super) newer_list: Option<u64>,
    /// What the vault has, to be compared with the methods; and the epoch of the self conversation at which it was.
    pub(super) vault: Option<Vec<VaultMethod>>,
    pub(super) vault_compared: Option<Epoch>,
    /// The epoch of the self conversation for which the vault was written.
    pub(super) vault_written: Option<Epoch>,
    /// What is taken comes from a page of this log, and may be older than the lists that are here.
    pub(super) page_of: Option<ConversationId>,
    /// Conversations with markers to tell, but for those whose markers are on their way.
    pub(super) unmarked: BTreeSet<ConversationId>,
    /// Keys to ask for, and asks of others.
    pub(super) asks: super::ask::Asks,
    /// The first screen, until it is there.
    pub(super) bootstrap: Option<Bootstrap>,
    pub(super) snapshot: super::snapshot::SnapshotLine,
    pub(super) missing_keys: super::keyring::MissingKeys,
    pub(super) filler: Filler,
    /// What the server was told that this device has.
    pub(super) acks: super::retention::Acks,
}

/// A question asked at most once at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Question {
    Accounts,
    History(AccountId),
    Keyring,
    KeyPackages,
    DeviceList,
    LastSeen,
    /// The first screen's next part.
    Heads,
    /// Slots of the keyring or the self chain.
    Keys,
    Vault,
}

/// What a request was for.
#[derive(Debug, Clone)]
pub(super) enum Asked {
    Register,
    Login,
    Subscribe,
    Create(ConversationId),
    Append(ConversationId, EntryId),
    Commit(ConversationId),
    Slots(ConversationId, SlotBatch),
    Log(ConversationId),
    Older {
        conversation: ConversationId,
        from: Seq,
        to: Seq,
    },
    SeqAt(ConversationId, Timestamp),
    SnapshotSlots,
    Heads,
    Keys(Vec<(ConversationId, Epoch)>),
    Chain(Vec<Epoch>),
    Commits(ConversationId),
    GroupState(ConversationId),
    Welcome(ConversationId),
    Claim(ConversationId, Vec<DeviceRef>),
    Accounts(Vec<AccountRef>),
    History(AccountId),
    KeyPackages {
        last_resort: bool,
        count: u32,
    },
    DeviceList(Box<ValidatedDeviceList>, ListChange),
    Mailbox(MailboxId),
    OpenVault,
    NamesLists,
    NamesSlots,
    Recover,
    VaultMethods,
    PutVault,
    LastSeen,
    Push,
    PushKey,
    Retention(ConversationId),
    /// Nothing depends on the answer.
    Nothing,
}

/// Why a device list was put.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct ListChange {
    /// A device that is being linked.
    pub(super) link: Option<DeviceId>,
    /// Rows of the outbox that it fulfils, with what stood in them.
    pub(super) rows: Vec<(i64, Vec<u8>)>,
}

/// What a batch of slot writes was for.
#[derive(Debug, Clone)]
pub(super) enum SlotBatch {
    Keyring(Vec<(ConversationId, Epoch)>),
    Receipts { delivered: Seq, read: Seq, version: SlotVersion },
    Outbox(QueuedWrite),
    Answer(super::ask::AnswerWrite),
    Snapshot,
}

/// A slot write of the outbox, as it was sent.
#[derive(Debug, Clone)]
pub(super) struct QueuedWrite {
    pub(super) row: i64,
    pub(super) key: SlotKey,
    pub(super) version: SlotVersion,
    /// The encoded name and value: what stands in the row when the answer comes may be another write.
    pub(super) payload: Vec<u8>,
}

/// What one conversation waits for on this connection.
#[derive(Debug, Default)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each says of another kind of request whether one is under way"
)]
pub(super) struct Lane {
    /// A request that changes the group, or prepares for it, is under way: nothing else may start.
    pub(super) control: bool,
    /// Entries under way, with what is needed when the server echoes them.
    pub(super) sent: HashMap<EntryId, SentEntry>,
    /// A slot write is under way.
    pub(super) slots: bool,
    /// A part of the log was asked for.
    pub(super) fetching: bool,
    /// A part of a hole was asked for.
    pub(super) older: bool,
    /// The server refused an older epoch: wait until the log is there.
    pub(super) wait_for: Option<Epoch>,
    /// Try again not before.
    pub(super) not_before: Option<Timestamp>,
    /// Key packages claimed for the next commit; `None` where the device has none.
    pub(super) claimed: HashMap<DeviceId, Option<Vec<u8>>>,
    /// A welcome or group state that waits for device lists to be checked against.
    pub(super) arriving: Option<Arriving>,
    /// Accounts whose lists, the old ones too, came since then.
    pub(super) histories: BTreeSet<AccountId>,
    /// The roster was found in line with lists and wishes, and nothing has changed since.
    pub(super) aligned: bool,
    /// A welcome was announced.
    pub(super) welcomed: Option<Epoch>,
    /// The server says the roster is stale though nothing seems to be: lists were asked for again.
    pub(super) roster_refused: u32,
    /// Versions that slots are known to have at the server.
    pub(super) slot_floor: HashMap<SlotKey, SlotVersion>,
}

/// A way into a group, held until the device lists are known.
#[derive(Debug, Clone)]
pub(super) enum Arriving {
    Welcome(Welcome),
    State(diario_protocol::GroupState),
}

/// An entry under way.
#[derive(Debug, Clone, Copy)]
pub(super) struct SentEntry {
    pub(super) epoch: Epoch,
    pub(super) annotates: Option<Seq>,
    pub(super) digest: Digest,
}

impl Session {
    /// Whether the answer to a question is on its way; one that was refused for a while is not.
    pub(super) fn awaits(&self, question: Question) -> bool {
        self.asking.contains(&question) && !self.refused.contains_key(&question)
    }

    /// Whether commits that a group lies behind were asked for.
    pub(super) fn awaits_commits(&self, id: ConversationId) -> bool {
        self.under_way.values().any(|asked| matches!(asked, Asked::Commits(of) if *of == id))
    }

    pub(super) fn await_hello(&mut self) {
        self.phase = Phase::AwaitHello;
    }

    pub(super) fn is_live(&self) -> bool {
        self.phase == Phase::Live
    }

    pub(super) fn is_connected(&self) -> bool {
        self.phase != Phase::Offline
    }

    pub(super) fn is_logged_in(&self) -> bool {
        matches!(self.phase, Phase::CatchingUp | Phase::Live)
    }

    pub(super) fn lane(&mut self, conversation: ConversationId) -> &mut Lane {
        self.lanes.entry(conversation).or_default()
    }

    /// Until when things wait before they are tried again.
    pub(super) fn waits(&mut self) -> impl Iterator<Item = &mut Timestamp> {
        let lanes = self.lanes.values_mut().filter_map(|lane| lane.not_before.as_mut());
        lanes.chain(self.refused.values_mut()).chain(self.filler.not_before.as_mut())
    }

    /// Ends the waits that are over, and tells whose.
    pub(super) fn wake(&mut self, now: Timestamp) -> Vec<ConversationId> {
        let mut awake = Vec::new();
        self.filler.not_before = self.filler.not_before.filter(|due| *due > now);
        let asking = &mut self.asking;
        self.refused.retain(|question, due| {
            let over = *due <= now;
            if over {
                asking.remove(question);
            }
            !over
        });
        for (id, lane) in &mut self.lanes {
            if lane.not_before.is_some_and(|t| t <= now) {
                lane.not_before = None;
                awake.push(*id);
            }
        }
        awake
    }

    /// How many more requests the server takes at once.
    pub(super) fn room(&self) -> usize {
        usize::from(self.limits.in_flight).saturating_sub(self.under_way.len())
    }
}

impl Engine {
    /// Sends a request; the answer comes back with what it was `asked` for.
    pub(super) fn ask(&mut self, request: Request, asked: Asked) {
        let id = RequestId(self.session.next_request);
        self.session.next_request = self.session.next_request.wrapping_add(1);
        if !matches!(request, Request::Signal(_) | Request::Ack(_)) {
            self.session.under_way.insert(id, asked);
        }
        self.staged.binding |= !matches!(request, Request::Append(_) | Request::PutSlots(_));
        self.staged.transmits.push(diario_protocol::encode(&ClientFrame { id, request }));
    }

    /// Tells the server something that it does not answer.
    pub(super) fn tell(&mut self, request: Request) {
        self.ask(request, Asked::Nothing);
    }

    /// Asks unless the same question is under way; says whether it was asked now.
    pub(super) fn ask_once(&mut self, question: Question, request: Request, asked: Asked) -> bool {
        let new = self.session.asking.insert(question);
        if new {
            self.ask(request, asked);
        }
        new
    }

    pub(super) fn set_phase(&mut self, phase: Phase) {
        if self.session.phase == phase {
            return;
        }
        self.session.phase = phase;
        match phase {
            Phase::CatchingUp => self.emit(Event::Connection(ConnectionState::CatchingUp)),
            Phase::Live => self.emit(Event::Connection(ConnectionState::Live)),
            Phase::Offline | Phase::AwaitHello | Phase::AwaitLogin => {}
        }
    }

    /// A question that was refused counts as asked for a while: asked again at once it would be refused again.
    pub(super) fn ask_again_later(&mut self, question: Question) {
        const PAUSE_MS: u64 = 5_000;
        let due = self.now.plus_ms(PAUSE_MS);
        self.session.asking.insert(question);
        self.session.refused.insert(question, due);
        self.set_timer(super::Timer::Retry, due);
    }

    /// Lets a conversation wait before the next try.
    pub(super) fn back_off(&mut self, conversation: ConversationId, ms: u64) {
        let due = self.now.plus_ms(ms);
        self.session.lane(conversation).not_before = Some(due);
        self.set_timer(super::Timer::Retry, due);
    }
}
