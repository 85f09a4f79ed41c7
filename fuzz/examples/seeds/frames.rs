//! Writes the seed corpora: `cargo run --manifest-path fuzz/Cargo.toml --example seeds`.

use std::io::Write as _;
use std::path::Path;

use diario_engine::content::{ExtensionKey, ExtensionValue, MimiContent};
use diario_engine::linking::{LinkCode, PairingCode};
use diario_protocol::device_list::{DeviceList, DeviceRole, ListedDevice, SignedDeviceList};
use diario_protocol::limits::Limits;
use diario_protocol::*;
use ed25519_dalek::SigningKey;

type Seeds = Vec<(&'static str, Vec<u8>)>;
type Failure = Box<dyn std::error::Error>;

const CONVERSATION: ConversationId = ConversationId::new([3; 16]);
const ACCOUNT: AccountId = AccountId::new([1; 16]);
const DEVICE: DeviceId = DeviceId::new([2; 16]);

fn main() -> Result<(), Failure> {
    let all = [
        ("client_frame", client_frames()?),
        ("server_frame", server_frames()?),
        ("device_list", device_lists()),
        ("mimi_content", contents()?),
        ("link_code", codes()?),
        ("whatsapp", exports()?),
        ("engine_frames", tapes()),
    ];
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    for (target, seeds) in all {
        std::fs::create_dir_all(corpus.join(target))?;
        for (name, bytes) in seeds {
            std::fs::write(corpus.join(target).join(name), bytes)?;
        }
    }
    Ok(())
}

fn list(version: u64, valid_until: Option<Timestamp>) -> SignedDeviceList {
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

fn device_lists() -> Seeds {
    vec![
        ("two_devices", list(1, Some(Timestamp(1_800_000_000_000))).0.0),
        ("large_version", list(u64::MAX, None).0.0),
    ]
}

fn client_frames() -> Result<Seeds, Failure> {
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

fn server_frames() -> Result<Seeds, Failure> {
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

fn contents() -> Result<Seeds, Failure> {
    let plain = MimiContent::text([1; 16], "ciao");
    let mut extended = MimiContent::text([2; 16], "ciao");
    extended.extensions.insert(ExtensionKey::text("diario.imported_from")?, ExtensionValue::text("Marco"))?;
    extended.topic_id = vec![1; 20];
    extended.expires = Some(diario_engine::content::Expiration::AfterReading(60));
    Ok(vec![("text", plain.encode()?), ("extended", extended.encode()?)])
}

fn codes() -> Result<Seeds, Failure> {
    let mut count = 0;
    let mut entropy = |out: &mut [u8]| {
        for byte in out {
            count += 1;
            *byte = count;
        }
    };
    let link = LinkCode::generate("wss://diario.example", &mut entropy)?.text().as_bytes().to_vec();
    let pairing = PairingCode::generate(&mut entropy).text().as_bytes().to_vec();
    Ok(vec![("link", link), ("pairing", pairing), ("typed", b"oil0-1abc".to_vec())])
}

fn exports() -> Result<Seeds, Failure> {
    let android = "12/03/24, 14:05 - Messages and calls are end-to-end encrypted.\n\
        12/03/24, 14:05 - Anna: ciao\nsecond line\n13/03/24, 9:00 - Marco: <Media omitted>\n\
        13/03/24, 9:01 - Marco: IMG-1.jpg (file attached)\n";
    let ios =
        "[12.03.24, 14:05:33] Anna: ciao\n\u{200e}[12.03.24, 14:06:00] Anna: \u{200e}<attached: 1-a.jpg>\n";
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zip.start_file("_chat.txt", zip::write::SimpleFileOptions::default())?;
    zip.write_all(ios.as_bytes())?;
    Ok(vec![
        ("android.txt", android.into()),
        ("ios.txt", ios.into()),
        (
            "twelve_hours.txt",
            "3/12/24, 2:05\u{202f}PM - Anna: hi\n3/13/24, 2:05\u{202f}AM - Bob: hi\n".into(),
        ),
        ("ios.zip", zip.finish()?.into_inner()),
    ])
}

/// The first byte says whether there is an account; then see `drive/stage.rs`.
fn tapes() -> Seeds {
    let talk = [9, 1, 9, 5, 0, 7, 9, 6, 0, 7, 0, 7, 9, 14, 0, 3, 13, 3, 20, 0, 7];
    let lies = [6, 0, 9, 5, 0, 7, 6, 1, 4, 3, 7, 7, 8, 1, 10, 2, 3, 0, 7, 14, 1, 0, 7, 6, 0, 13, 2, 3, 1];
    let lone = [9, 8, 1, 0, 7, 0, 7, 6, 0, 15, 5, 1, 3, 1, 2, 3, 9, 11, 0, 7];
    let with_account = |tape: &[u8]| [&[0], tape].concat();
    vec![
        ("talk", with_account(&talk)),
        ("lies", with_account(&lies)),
        ("both", with_account(&[talk.as_slice(), &lies].concat())),
        ("candidate", [&[255], lone.as_slice()].concat()),
    ]
}
