//! Strategies for whole frames, every variant of them.
//!
//! The tables of variants below do not compile when a variant is new; the test at the end fails when its strategy is
//! forgotten.

use std::collections::BTreeSet;

use diario_protocol::limits::Limits;
use diario_protocol::*;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

use crate::parts::{
    account, account_info, bin, conversation, conversation_kind, device, entry, entry_id, epoch, list,
    log_hash, log_page, mailbox, membership, nonce, number, position, request_id, retention, seq, server,
    signature, slot, slot_key, text, timestamp, username, version,
};

fn device_ref() -> impl Strategy<Value = DeviceRef> {
    (account(), device()).prop_map(|(account, device)| DeviceRef { account, device })
}

fn account_ref() -> impl Strategy<Value = AccountRef> {
    prop_oneof![username().prop_map(AccountRef::Name), account().prop_map(AccountRef::Id)]
}

fn key_packages() -> impl Strategy<Value = PutKeyPackages> {
    (vec(bin(), 0..4), option::of(bin()))
        .prop_map(|(one_time, last_resort)| PutKeyPackages { one_time, last_resort })
}

fn create() -> impl Strategy<Value = CreateConversation> {
    (conversation(), conversation_kind(), bin(), bin()).prop_map(|(conversation, kind, group_info, tree)| {
        CreateConversation { conversation, kind, group_info, tree }
    })
}

fn register() -> impl Strategy<Value = Register> {
    (username(), list(), key_packages(), create(), option::of(text()), signature()).prop_map(
        |(username, list, key_packages, self_conversation, invite, signature)| Register {
            username,
            list,
            key_packages,
            self_conversation,
            invite,
            signature,
        },
    )
}

fn write() -> impl Strategy<Value = SlotWrite> {
    (slot_key(), version(), any::<bool>(), bin()).prop_map(|(key, version, head, body)| SlotWrite {
        key,
        version,
        head,
        body,
    })
}

fn recovery() -> impl Strategy<Value = RecoveryId> {
    any::<[u8; 16]>().prop_map(RecoveryId::new)
}

fn vault_seal() -> impl Strategy<Value = VaultSeal> {
    (recovery(), bin()).prop_map(|(method, newest)| VaultSeal { method, newest })
}

fn open_vault() -> impl Strategy<Value = OpenVault> {
    (account_ref(), recovery(), signature()).prop_map(|(account, method, signature)| OpenVault {
        account,
        method,
        signature,
    })
}

fn recover() -> impl Strategy<Value = Recover> {
    (list(), device(), signature()).prop_map(|(list, device, signature)| Recover { list, device, signature })
}

fn put_vault() -> impl Strategy<Value = PutVault> {
    let method = (any::<[u8; 32]>(), bin())
        .prop_map(|(key, identity)| NewMethod { key: PublicKey::new(key), identity });
    (epoch(), vec(method, 0..3), vec(recovery(), 0..3), vec(vault_seal(), 0..3))
        .prop_map(|(epoch, add, remove, seals)| PutVault { epoch, add, remove, seals })
}

fn opened_vault() -> impl Strategy<Value = OpenedVault> {
    (username(), list(), bin(), bin(), vec(seen(), 0..3)).prop_map(
        |(username, list, identity, newest, seen)| OpenedVault { username, list, identity, newest, seen },
    )
}

fn vault_methods() -> impl Strategy<Value = Vec<VaultMethod>> {
    vec((recovery(), epoch()).prop_map(|(method, epoch)| VaultMethod { method, epoch }), 0..4)
}

fn commit() -> impl Strategy<Value = Commit> {
    let parts = (conversation(), entry_id(), epoch(), bin(), option::of(bin()), bin());
    (parts, vec(write(), 0..3), vec(vault_seal(), 0..3)).prop_map(
        |((conversation, id, epoch, bundle, welcome, group_info), slots, vault)| Commit {
            conversation,
            id,
            epoch,
            bundle,
            welcome,
            group_info,
            slots,
            vault,
        },
    )
}

fn append() -> impl Strategy<Value = Append> {
    (conversation(), entry_id(), epoch(), option::of(seq()), bin()).prop_map(
        |(conversation, id, epoch, annotates, body)| Append { conversation, id, epoch, annotates, body },
    )
}

fn login() -> impl Strategy<Value = Login> {
    (account(), device(), signature()).prop_map(|(account, device, signature)| Login {
        account,
        device,
        signature,
    })
}

fn put_slots() -> impl Strategy<Value = PutSlots> {
    (conversation(), epoch(), vec(write(), 0..4)).prop_map(|(conversation, epoch, writes)| PutSlots {
        conversation,
        epoch,
        writes,
    })
}

fn signal() -> impl Strategy<Value = Signal> {
    (conversation(), epoch(), bin()).prop_map(|(conversation, epoch, body)| Signal {
        conversation,
        epoch,
        body,
    })
}

fn log_range() -> impl Strategy<Value = LogRange> {
    (conversation(), seq(), seq(), any::<bool>(), any::<bool>(), option::of(seq())).prop_map(
        |(conversation, from, to, commits_only, newest, about)| LogRange {
            conversation,
            from,
            to,
            commits_only,
            newest,
            about,
        },
    )
}

/// Any lengths: whether they are good is checked after the codec.
fn push_subscription() -> impl Strategy<Value = PushSubscription> {
    (text(), bin(), bin(), vec(conversation(), 0..4))
        .prop_map(|(endpoint, p256dh, auth, silent)| PushSubscription { endpoint, p256dh, auth, silent })
}

fn request() -> impl Strategy<Value = Request> {
    prop_oneof![
        register().prop_map(|r| Request::Register(Box::new(r))),
        login().prop_map(Request::Login),
        position().prop_map(Request::Subscribe),
        create().prop_map(|c| Request::Create(Box::new(c))),
        append().prop_map(Request::Append),
        commit().prop_map(|c| Request::Commit(Box::new(c))),
        put_slots().prop_map(Request::PutSlots),
        signal().prop_map(Request::Signal),
        log_range().prop_map(Request::Log),
        (conversation(), vec(slot_key(), 0..4)).prop_map(|(c, keys)| Request::Slots(c, keys)),
        (any::<u16>(), position(), option::of(heads_place()))
            .prop_map(|(most, since, after)| Request::Heads(HeadsRange { most, since, after })),
        (conversation(), timestamp()).prop_map(|(c, at)| Request::SeqAt(c, at)),
        conversation().prop_map(Request::GroupState),
        conversation().prop_map(Request::Welcome),
        (conversation(), epoch()).prop_map(|(c, e)| Request::DropWelcome(c, e)),
        key_packages().prop_map(Request::PutKeyPackages),
        vec(device_ref(), 0..4).prop_map(Request::ClaimKeyPackages),
        vec(account_ref(), 0..4).prop_map(Request::Lookup),
        account().prop_map(Request::DeviceListHistory),
        list().prop_map(Request::PutDeviceList),
        mailbox().prop_map(Request::OpenMailbox),
        mailbox().prop_map(Request::JoinMailbox),
        (mailbox(), bin()).prop_map(|(m, b)| Request::PutMailbox(m, b)),
        mailbox().prop_map(Request::CloseMailbox),
        Just(Request::LastSeen),
        option::of(push_subscription()).prop_map(Request::PutPush),
        Just(Request::PushKey),
        (conversation(), retention()).prop_map(|(c, r)| Request::SetRetention(c, r)),
        position().prop_map(Request::Ack),
        open_vault().prop_map(Request::OpenVault),
        recover().prop_map(|r| Request::Recover(Box::new(r))),
        put_vault().prop_map(Request::PutVault),
        Just(Request::VaultMethods),
    ]
}

/// Any frame of a device.
pub(crate) fn client_frame() -> impl Strategy<Value = ClientFrame> {
    (request_id(), request()).prop_map(|(id, request)| ClientFrame { id, request })
}

fn limits() -> impl Strategy<Value = Limits> {
    (any::<[u32; 4]>(), any::<[u16; 5]>(), retention()).prop_map(
        |([frame, entry, slot, signal], [in_flight, devices, members, key_packages, batch], retention)| {
            Limits { frame, entry, slot, signal, in_flight, devices, members, key_packages, batch, retention }
        },
    )
}

fn hello() -> impl Strategy<Value = Hello> {
    (any::<u16>(), server(), nonce(), timestamp(), limits())
        .prop_map(|(protocol, server, nonce, now, limits)| Hello { protocol, server, nonce, now, limits })
}

fn logged_in() -> impl Strategy<Value = LoggedIn> {
    (position(), number(), any::<u32>(), username()).prop_map(
        |(head, list_version, key_packages, username)| LoggedIn {
            head,
            list_version,
            key_packages,
            username,
        },
    )
}

fn outcome() -> impl Strategy<Value = SlotOutcome> {
    prop_oneof![Just(SlotOutcome::Stored), version().prop_map(SlotOutcome::Newer)]
}

fn heads_place() -> impl Strategy<Value = HeadsPlace> {
    (timestamp(), timestamp(), conversation()).prop_map(|(began, at, conversation)| HeadsPlace {
        began,
        at,
        conversation,
    })
}

fn head_slot() -> impl Strategy<Value = HeadSlot> {
    (slot_key(), version(), epoch(), any::<u32>(), bin())
        .prop_map(|(key, version, epoch, device, body)| HeadSlot { key, version, epoch, device, body })
}

fn head_entry() -> impl Strategy<Value = HeadEntry> {
    (seq(), entry_id(), epoch(), any::<u32>(), timestamp(), bin()).prop_map(
        |(seq, id, epoch, device, received_at, body)| HeadEntry { seq, id, epoch, device, received_at, body },
    )
}

fn head() -> impl Strategy<Value = ConversationHead> {
    let names = (conversation(), conversation_kind(), vec(any::<u32>(), 0..4), any::<bool>());
    let places =
        (seq(), epoch(), (option::of(log_hash()), option::of(retention())), epoch(), seq(), log_hash());
    let content = (bin(), option::of(head_entry()), vec(head_slot(), 0..3), vec(head_slot(), 0..3));
    (names, places, content).prop_map(|(names, places, content)| {
        let (conversation, kind, participants, left) = names;
        let (since, since_epoch, (since_hash, retention), epoch, head, hash) = places;
        let (others, last, slots, keys) = content;
        ConversationHead {
            conversation,
            kind,
            since,
            since_epoch,
            participants,
            epoch,
            head,
            hash,
            left,
            others,
            last,
            slots,
            keys,
            since_hash,
            retention,
        }
    })
}

fn heads() -> impl Strategy<Value = Heads> {
    let device = (any::<u32>(), device())
        .prop_map(|(account, device)| diario_protocol::HeadDevice { account, device });
    let tables = (vec(account_info(), 0..2), vec(account(), 0..3), vec(device, 0..3));
    (position(), tables, vec(head(), 0..3), option::of(heads_place())).prop_map(
        |(position, (accounts, people, devices), items, next)| Heads {
            position,
            accounts,
            people,
            devices,
            items,
            next,
        },
    )
}

fn group_state() -> impl Strategy<Value = GroupState> {
    (conversation(), epoch(), bin(), bin()).prop_map(|(conversation, epoch, group_info, tree)| GroupState {
        conversation,
        epoch,
        group_info,
        tree,
    })
}

fn welcome() -> impl Strategy<Value = Welcome> {
    (conversation(), epoch(), seq(), bin(), bin()).prop_map(|(conversation, epoch, seq, welcome, tree)| {
        Welcome { conversation, epoch, seq, welcome, tree }
    })
}

fn seen() -> impl Strategy<Value = Seen> {
    (device(), option::of(timestamp())).prop_map(|(device, at)| Seen { device, at })
}

fn reply() -> impl Strategy<Value = Reply> {
    prop_oneof![
        Just(Reply::Done),
        logged_in().prop_map(Reply::Registered),
        logged_in().prop_map(Reply::LoggedIn),
        seq().prop_map(Reply::Appended),
        vec(outcome(), 0..5).prop_map(Reply::SlotsPut),
        log_page().prop_map(Reply::Log),
        vec(slot(), 0..3).prop_map(Reply::Slots),
        heads().prop_map(|heads| Reply::Heads(Box::new(heads))),
        seq().prop_map(Reply::SeqAt),
        group_state().prop_map(Reply::GroupState),
        option::of(welcome()).prop_map(Reply::Welcome),
        vec(option::of(bin()), 0..4).prop_map(Reply::KeyPackages),
        vec(option::of(account_info()), 0..4).prop_map(Reply::Accounts),
        vec(list(), 0..4).prop_map(Reply::DeviceLists),
        vec(seen(), 0..4).prop_map(Reply::LastSeen),
        option::of(bin()).prop_map(Reply::PushKey),
        opened_vault().prop_map(|v| Reply::Vault(Box::new(v))),
        vault_methods().prop_map(Reply::VaultMethods),
    ]
}

fn refusal() -> impl Strategy<Value = Refusal> {
    prop_oneof![
        epoch().prop_map(Refusal::StaleEpoch),
        Just(Refusal::RosterStale),
        Just(Refusal::NotMember),
        text().prop_map(Refusal::NotFound),
        Just(Refusal::NameTaken),
        Just(Refusal::RegistrationClosed),
        Just(Refusal::InviteNeeded),
        number().prop_map(Refusal::TooLarge),
        (text(), number()).prop_map(|(what, most)| Refusal::TooMany(what, most)),
        number().prop_map(Refusal::RateLimited),
        Just(Refusal::BadSignature),
        Just(Refusal::DeviceRevoked),
        Just(Refusal::DeviceExpired),
        text().prop_map(Refusal::WrongState),
        text().prop_map(Refusal::Invalid),
        text().prop_map(Refusal::InvalidCommit),
        Just(Refusal::Exists),
        number().prop_map(Refusal::OldDeviceList),
        Just(Refusal::MailboxGone),
        seq().prop_map(Refusal::BeforeStart),
        Just(Refusal::StorageUnavailable),
        Just(Refusal::Draining),
        Just(Refusal::WrongRecoveryKey),
        number().prop_map(Refusal::DeviceLimit),
    ]
}

fn what() -> impl Strategy<Value = What> {
    let echo = (conversation(), seq(), entry_id(), any::<[u8; 8]>());
    prop_oneof![
        entry().prop_map(What::Entry),
        echo.prop_map(|(conversation, seq, id, short)| What::Echo(conversation, seq, id, Fixed(short))),
        slot().prop_map(What::Slot),
        account_info().prop_map(What::DeviceList),
        membership().prop_map(What::Joined),
        (conversation(), seq()).prop_map(|(c, s)| What::Left(c, s)),
        (conversation(), device(), epoch()).prop_map(|(c, d, e)| What::Welcome(c, d, e)),
        (conversation(), retention()).prop_map(|(c, r)| What::Retention(c, r)),
    ]
}

fn changes() -> impl Strategy<Value = Changes> {
    let change = (position(), what()).prop_map(|(position, what)| Change { position, what });
    (vec(change, 0..4), any::<bool>()).prop_map(|(items, live)| Changes { items, live })
}

fn signal_push() -> impl Strategy<Value = SignalPush> {
    (conversation(), epoch(), account(), device(), bin()).prop_map(
        |(conversation, epoch, account, device, body)| SignalPush {
            conversation,
            epoch,
            account,
            device,
            body,
        },
    )
}

fn notice() -> impl Strategy<Value = Notice> {
    prop_oneof![
        any::<u32>().prop_map(Notice::Draining),
        Just(Notice::Revoked),
        Just(Notice::Expired),
        Just(Notice::Replaced),
    ]
}

/// Any frame of the server.
pub(crate) fn server_frame() -> impl Strategy<Value = ServerFrame> {
    prop_oneof![
        1 => hello().prop_map(ServerFrame::Hello),
        4 => (request_id(), reply()).prop_map(|(id, reply)| ServerFrame::Reply(id, reply)),
        4 => (request_id(), refusal()).prop_map(|(id, refusal)| ServerFrame::Refused(id, refusal)),
        4 => changes().prop_map(ServerFrame::Changes),
        1 => signal_push().prop_map(ServerFrame::Signal),
        1 => (mailbox(), bin())
            .prop_map(|(mailbox, body)| ServerFrame::Mailbox(MailboxItem { mailbox, body })),
        1 => notice().prop_map(ServerFrame::Notice),
    ]
}

/// A function that names a value's variant, and the table of all names.
macro_rules! variants {
    ($name:ident, $all:ident, $type:ident: $($variant:ident)*) => {
        const $all: &[&str] = &[$(concat!(stringify!($type), "::", stringify!($variant))),*];

        fn $name(value: &$type) -> &'static str {
            match value {
                $($type::$variant { .. } => concat!(stringify!($type), "::", stringify!($variant))),*
            }
        }
    };
}

variants!(request_name, REQUESTS, Request: Register Login Subscribe Create Append Commit PutSlots Signal Log Slots
    Heads GroupState Welcome DropWelcome PutKeyPackages ClaimKeyPackages Lookup DeviceListHistory PutDeviceList
    OpenMailbox JoinMailbox PutMailbox CloseMailbox LastSeen PutPush PushKey SeqAt SetRetention Ack
    OpenVault Recover PutVault VaultMethods);
variants!(frame_name, FRAMES, ServerFrame: Hello Reply Refused Changes Signal Mailbox Notice);
variants!(reply_name, REPLIES, Reply: Done Registered LoggedIn Appended SlotsPut Log Slots Heads GroupState Welcome
    KeyPackages Accounts DeviceLists LastSeen PushKey SeqAt Vault VaultMethods);
variants!(refusal_name, REFUSALS, Refusal: StaleEpoch RosterStale NotMember NotFound NameTaken RegistrationClosed
    InviteNeeded TooLarge TooMany RateLimited BadSignature DeviceRevoked DeviceExpired WrongState Invalid InvalidCommit
    Exists OldDeviceList MailboxGone BeforeStart StorageUnavailable Draining WrongRecoveryKey
    DeviceLimit);
variants!(what_name, WHATS, What: Entry Echo Slot DeviceList Joined Left Welcome Retention);
variants!(notice_name, NOTICES, Notice: Draining Revoked Expired Replaced);
variants!(outcome_name, OUTCOMES, SlotOutcome: Stored Newer);
variants!(account_ref_name, ACCOUNT_REFS, AccountRef: Name Id);
variants!(kind_name, KINDS, ConversationKind: SelfConversation Direct Group);
variants!(entry_kind_name, ENTRY_KINDS, EntryKind: Application Commit);
variants!(body_name, BODIES, Body: Present Erased Gone);

/// Names the variants in a frame of a device.
fn names_in_request(request: &Request, into: &mut BTreeSet<&'static str>) {
    into.insert(request_name(request));
    match request {
        Request::Lookup(accounts) => into.extend(accounts.iter().map(account_ref_name)),
        Request::Create(create) => {
            into.insert(kind_name(&create.kind));
        }
        _ => {}
    }
}

/// Names the variants in a frame of the server.
fn names_in_frame(frame: &ServerFrame, into: &mut BTreeSet<&'static str>) {
    into.insert(frame_name(frame));
    match frame {
        ServerFrame::Reply(_, reply) => {
            into.insert(reply_name(reply));
            if let Reply::SlotsPut(outcomes) = reply {
                into.extend(outcomes.iter().map(outcome_name));
            }
        }
        ServerFrame::Refused(_, refusal) => {
            into.insert(refusal_name(refusal));
        }
        ServerFrame::Changes(changes) => {
            for change in &changes.items {
                into.insert(what_name(&change.what));
                if let What::Entry(entry) = &change.what {
                    into.insert(entry_kind_name(&entry.kind));
                    into.insert(body_name(&entry.body));
                }
            }
        }
        ServerFrame::Notice(notice) => {
            into.insert(notice_name(notice));
        }
        ServerFrame::Hello(_) | ServerFrame::Signal(_) | ServerFrame::Mailbox(_) => {}
    }
}

#[test]
fn the_strategies_make_every_variant() {
    let mut runner = TestRunner::deterministic();
    let mut made = BTreeSet::new();
    for _ in 0..1_500 {
        let frame = client_frame().new_tree(&mut runner).unwrap().current();
        names_in_request(&frame.request, &mut made);
        names_in_frame(&server_frame().new_tree(&mut runner).unwrap().current(), &mut made);
    }
    let tables = [
        REQUESTS,
        FRAMES,
        REPLIES,
        REFUSALS,
        WHATS,
        NOTICES,
        OUTCOMES,
        ACCOUNT_REFS,
        KINDS,
        ENTRY_KINDS,
        BODIES,
    ];
    let all: BTreeSet<_> = tables.into_iter().flatten().copied().collect();
    assert_eq!(all.difference(&made).collect::<Vec<_>>(), Vec::<&&str>::new());
}
