//! Frames, and what stands in them.

use diario_protocol::device_list::{DeviceList, DeviceRole, ListedDevice, SignedDeviceList};
use diario_protocol::limits::Limits;
use diario_protocol::*;
use diario_web_api::{Ask, Tell, ToPage, ToWorker};
use ed25519_dalek::SigningKey;

use crate::{Failure, Seeds};

const CONVERSATION: ConversationId = ConversationId::new([3; 16]);
const ACCOUNT: AccountId = AccountId::new([1; 16]);
const DEVICE: DeviceId = DeviceId::new([2; 16]);

pub(crate) fn list(version: u64, valid_until: Option<Timestamp>) -> SignedDeviceList {
    let key = SigningKey::from_bytes(&[1; 32]);
    let device = |n: u8, role, valid_until| ListedDevice { key: PublicKey::new([n; 32]), role, valid_until };
    DeviceList {
        identity_key: PublicKey::new(key.verifying_key().to_bytes()),
        version,
        issued_at: Timestamp(1_700_000_000_000),
        devices: vec![device(9, DeviceRole::Primary, None), device(8, DeviceRole::Linked, valid_until)],
    }
    .sign(&key)
}

pub(crate) fn device_lists() -> Seeds {
    vec![
        ("two_devices", list(1, Some(Timestamp(1_800_000_000_000))).0.0),
        ("large_version", list(u64::MAX, None).0.0),
    ]
}

pub(crate) fn client_frames() -> Result<Seeds, Failure> {
    let packages = PutKeyPackages { one_time: vec![vec![1; 9].into(); 2], last_resort: Some(vec![2].into()) };
    let create = CreateConversation {
        conversation: CONVERSATION,
        kind: ConversationKind::SelfConversation,
        group_info: vec![4; 40].into(),
        tree: vec![5; 40].into(),
    };
    let write = SlotWrite {
        key: SlotKey::new([6; 16]),
        version: SlotVersion(1),
        head: true,
        body: vec![7; 9].into(),
    };
    let register = Register {
        username: "anna".parse()?,
        list: list(1, None),
        key_packages: packages,
        self_conversation: create,
        invite: Some("please".into()),
        signature: Signature::new([8; 64]),
    };
    let commit = Commit {
        conversation: CONVERSATION,
        id: EntryId::new([9; 16]),
        epoch: Epoch(300),
        bundle: vec![1; 30].into(),
        welcome: Some(vec![2; 30].into()),
        group_info: vec![3; 30].into(),
        slots: vec![write.clone()],
        vault: vec![VaultSeal { method: RecoveryId::new([9; 16]), newest: vec![3; 60].into() }],
    };
    let append = Append {
        conversation: CONVERSATION,
        id: EntryId::new([9; 16]),
        epoch: Epoch(1),
        annotates: Some(Seq(7)),
        body: vec![1; 80].into(),
    };
    let slots = PutSlots { conversation: CONVERSATION, epoch: Epoch(1), writes: vec![write] };
    let range = LogRange {
        conversation: CONVERSATION,
        from: Seq(1),
        to: Seq(70_000),
        commits_only: true,
        newest: true,
        about: Some(Seq(80_000)),
    };
    let accounts = vec![AccountRef::Name("giulia".parse()?), AccountRef::Id(ACCOUNT)];
    let place = HeadsPlace { began: Timestamp(5), at: Timestamp(4), conversation: CONVERSATION };
    let requests = [
        ("register", Request::Register(Box::new(register))),
        ("commit", Request::Commit(Box::new(commit))),
        ("append", Request::Append(append)),
        ("put_slots", Request::PutSlots(slots)),
        ("log", Request::Log(range)),
        ("lookup", Request::Lookup(accounts)),
        ("claim", Request::ClaimKeyPackages(vec![DeviceRef { account: ACCOUNT, device: DEVICE }])),
        ("heads", Request::Heads(HeadsRange { most: 20, since: Position(7), after: Some(place) })),
        ("mailbox", Request::PutMailbox(MailboxId::new([1; 16]), vec![1; 30].into())),
        ("last_seen", Request::LastSeen),
    ];
    Ok(requests.map(|(name, request)| (name, encode(&ClientFrame { id: RequestId(77), request }))).into())
}

pub(crate) fn server_frames() -> Result<Seeds, Failure> {
    let id = RequestId(3);
    let hello = Hello {
        protocol: PROTOCOL_VERSION,
        server: ServerId::new([7; 16]),
        nonce: Nonce::new([1; 32]),
        now: Timestamp(1_700_000_000_000),
        limits: Limits::default(),
    };
    let welcome = LoggedIn { head: Position(9), list_version: 1, key_packages: 2, username: "anna".parse()? };
    let entry = |seq, kind, body| Entry {
        conversation: CONVERSATION,
        seq: Seq(seq),
        id: EntryId::new([9; 16]),
        kind,
        epoch: Epoch(2),
        account: ACCOUNT,
        device: DEVICE,
        annotates: Some(Seq(1)),
        received_at: Timestamp(5),
        body,
    };
    let present = entry(2, EntryKind::Application, Body::Present(vec![1; 40].into()));
    let erased = entry(3, EntryKind::Commit, Body::Erased(Digest::new([2; 32])));
    let hash_before = LogHash::start(&CONVERSATION);
    let membership = Membership {
        conversation: CONVERSATION,
        kind: ConversationKind::Group,
        since: Seq(1),
        epoch: Epoch(0),
        hash_before,
        participants: vec![ACCOUNT],
        retention: Retention { days: Some(30), delivered: true },
    };
    let slot = Slot {
        conversation: CONVERSATION,
        key: SlotKey::new([4; 16]),
        version: SlotVersion(3),
        epoch: Epoch(2),
        account: ACCOUNT,
        device: DEVICE,
        body: vec![6; 30].into(),
    };
    let info = AccountInfo { username: "giulia".parse()?, list: list(2, None) };
    let page = LogPage {
        conversation: CONVERSATION,
        hash_before,
        entries: vec![present.clone(), erased.clone()],
        head: Seq(3),
        about: vec![present.clone()],
    };
    let whats = [
        What::Entry(present),
        What::Echo(CONVERSATION, Seq(4), EntryId::new([9; 16]), Fixed([1; 8])),
        What::Slot(slot.clone()),
        What::DeviceList(info.clone()),
        What::Joined(membership.clone()),
        What::Left(CONVERSATION, Seq(5)),
        What::Welcome(CONVERSATION, DEVICE, Epoch(1)),
        What::Retention(CONVERSATION, Retention::FOREVER),
    ];
    let items = (1..).zip(whats).map(|(n, what)| Change { position: Position(n), what }).collect();
    let head_slot = HeadSlot {
        key: slot.key,
        version: slot.version,
        epoch: slot.epoch,
        device: 0,
        body: slot.body.clone(),
    };
    let last = HeadEntry {
        seq: Seq(9),
        id: EntryId::new([6; 16]),
        epoch: Epoch(2),
        device: 0,
        received_at: Timestamp(8),
        body: vec![3; 40].into(),
    };
    let head = ConversationHead {
        conversation: membership.conversation,
        kind: membership.kind,
        since: membership.since,
        since_epoch: membership.epoch,
        participants: vec![0],
        epoch: Epoch(2),
        head: Seq(9),
        hash: page.hash_before,
        left: false,
        others: vec![0b101].into(),
        last: Some(last),
        slots: vec![head_slot.clone()],
        keys: vec![head_slot],
        since_hash: Some(page.hash_before),
        retention: None,
    };
    let heads = Heads {
        position: Position(12),
        accounts: vec![info.clone()],
        people: vec![ACCOUNT],
        devices: vec![HeadDevice { account: 0, device: DEVICE }],
        items: vec![head],
        next: None,
    };
    let frames = [
        ("hello", ServerFrame::Hello(hello)),
        ("logged_in", ServerFrame::Reply(id, Reply::LoggedIn(welcome))),
        ("changes", ServerFrame::Changes(Changes { items, live: true })),
        ("log", ServerFrame::Reply(id, Reply::Log(page))),
        ("heads", ServerFrame::Reply(id, Reply::Heads(Box::new(heads)))),
        ("accounts", ServerFrame::Reply(id, Reply::Accounts(vec![Some(info), None]))),
        ("outcomes", ServerFrame::Reply(id, Reply::SlotsPut(vec![SlotOutcome::Newer(SlotVersion(4))]))),
        ("refused", ServerFrame::Refused(id, Refusal::TooMany("devices".into(), 32))),
        ("notice", ServerFrame::Notice(Notice::Draining(500))),
    ];
    Ok(frames.map(|(name, frame)| (name, encode(&frame))).into())
}

/// After the byte that says what it is.
pub(crate) fn parts() -> Result<Seeds, Failure> {
    let account = roster::Participant { account: ACCOUNT, role: roster::Role::Admin };
    let accounts = roster::Participants {
        kind: ConversationKind::Group,
        accounts: vec![
            account,
            roster::Participant { account: AccountId::new([5; 16]), role: roster::Role::Member },
        ],
        creator: ACCOUNT,
    };
    let bundle = roster::CommitBundle { commit: vec![1; 40].into(), lists: vec![list(1, None)] };
    let devices = list(3, None).validate()?.list().clone();
    let slot = Slot {
        conversation: CONVERSATION,
        key: SlotKey::new([4; 16]),
        version: SlotVersion(3),
        epoch: Epoch(2),
        account: ACCOUNT,
        device: DEVICE,
        body: vec![6; 30].into(),
    };
    let push = PushSubscription {
        endpoint: "https://push.example/send/abc".into(),
        p256dh: vec![4; PushSubscription::P256DH].into(),
        auth: vec![5; PushSubscription::AUTH].into(),
        silent: vec![CONVERSATION],
    };
    let leaf = roster::LeafIdentity { account: ACCOUNT, device: DEVICE };
    let of = |which: u8, bytes: &[u8]| [&[which], bytes].concat();
    Ok(vec![
        ("participants", of(0, &encode(&accounts))),
        ("bundle", of(1, &encode(&bundle))),
        ("devices", of(2, &encode(&devices))),
        ("slot", of(3, &encode(&slot))),
        ("push", of(4, &encode(&push))),
        ("leaf", of(5, &leaf.to_bytes())),
        ("username", of(6, b"Anna.rossi")),
        ("retention", of(7, b"30d,delivered")),
        ("id", of(8, ACCOUNT.to_string().as_bytes())),
        ("digest", of(9, Digest::new([0xab; 32]).to_string().as_bytes())),
        ("signature", of(9, Signature::new([0xab; 64]).to_string().as_bytes())),
        ("hex", of(10, b"00019aFF")),
    ])
}

/// What pages and the worker say, after the byte that says who.
pub(crate) fn page_frames() -> Seeds {
    let ask = |ask| [vec![0], encode(&ToWorker { id: 300, ask })].concat();
    let page = |frame| [vec![1], encode(&frame)].concat();
    vec![
        ("start", ask(Ask::Start)),
        ("link", ask(Ask::Link { device_name: "Firefox".into(), qr: true })),
        (
            "register",
            ask(Ask::Register {
                username: "anna".into(),
                device_name: "PC".into(),
                invite: Some("x".into()),
            }),
        ),
        ("account", page(ToPage::Tell(Tell::Account(None)))),
        (
            "messages",
            page(ToPage::Tell(Tell::Messages {
                conversation: CONVERSATION,
                messages: Vec::new(),
                reload: true,
            })),
        ),
        ("conversations", page(ToPage::Tell(Tell::Conversations(Vec::new())))),
    ]
}
