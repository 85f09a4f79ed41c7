//! Strategies for what frames are made of.

use diario_protocol::device_list::SignedDeviceList;
use diario_protocol::*;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

/// Numbers of every width on the wire, and the greatest.
pub(crate) fn number() -> impl Strategy<Value = u64> {
    prop_oneof![
        0..24_u64,
        any::<u8>().prop_map(u64::from),
        any::<u16>().prop_map(u64::from),
        any::<u32>().prop_map(u64::from),
        any::<u64>(),
        Just(u64::MAX),
    ]
}

pub(crate) fn bin() -> impl Strategy<Value = Bin> {
    prop_oneof![4 => vec(any::<u8>(), 0..24), 1 => vec(any::<u8>(), 24..300)].prop_map(Bin)
}

pub(crate) fn text() -> impl Strategy<Value = String> {
    prop_oneof![".{0,12}", Just(String::new()), Just("\u{1f469}\u{200d}\u{1f52c}".to_owned())]
}

pub(crate) fn account() -> impl Strategy<Value = AccountId> {
    any::<[u8; 16]>().prop_map(AccountId::new)
}

pub(crate) fn device() -> impl Strategy<Value = DeviceId> {
    any::<[u8; 16]>().prop_map(DeviceId::new)
}

pub(crate) fn conversation() -> impl Strategy<Value = ConversationId> {
    any::<[u8; 16]>().prop_map(ConversationId::new)
}

pub(crate) fn entry_id() -> impl Strategy<Value = EntryId> {
    any::<[u8; 16]>().prop_map(EntryId::new)
}

pub(crate) fn mailbox() -> impl Strategy<Value = MailboxId> {
    any::<[u8; 16]>().prop_map(MailboxId::new)
}

pub(crate) fn slot_key() -> impl Strategy<Value = SlotKey> {
    any::<[u8; 16]>().prop_map(SlotKey::new)
}

pub(crate) fn server() -> impl Strategy<Value = ServerId> {
    any::<[u8; 16]>().prop_map(ServerId::new)
}

pub(crate) fn nonce() -> impl Strategy<Value = Nonce> {
    any::<[u8; 32]>().prop_map(Nonce::new)
}

pub(crate) fn digest() -> impl Strategy<Value = Digest> {
    any::<[u8; 32]>().prop_map(Digest::new)
}

pub(crate) fn signature() -> impl Strategy<Value = Signature> {
    vec(any::<u8>(), Signature::LEN).prop_map(|bytes| Signature::from_slice(&bytes).unwrap())
}

pub(crate) fn seq() -> impl Strategy<Value = Seq> {
    number().prop_map(Seq)
}

pub(crate) fn epoch() -> impl Strategy<Value = Epoch> {
    number().prop_map(Epoch)
}

pub(crate) fn position() -> impl Strategy<Value = Position> {
    number().prop_map(Position)
}

pub(crate) fn version() -> impl Strategy<Value = SlotVersion> {
    number().prop_map(SlotVersion)
}

pub(crate) fn timestamp() -> impl Strategy<Value = Timestamp> {
    number().prop_map(Timestamp)
}

pub(crate) fn request_id() -> impl Strategy<Value = RequestId> {
    prop_oneof![0..24_u32, any::<u32>()].prop_map(RequestId)
}

pub(crate) fn log_hash() -> impl Strategy<Value = LogHash> {
    digest().prop_map(LogHash)
}

pub(crate) fn username() -> impl Strategy<Value = Username> {
    "[a-z][a-z0-9._-]{1,31}".prop_map(|name| name.parse().unwrap())
}

pub(crate) fn conversation_kind() -> impl Strategy<Value = ConversationKind> {
    prop_oneof![
        Just(ConversationKind::SelfConversation),
        Just(ConversationKind::Direct),
        Just(ConversationKind::Group),
    ]
}

/// Any bytes: whether a list is good is not the codec's business.
pub(crate) fn list() -> impl Strategy<Value = SignedDeviceList> {
    bin().prop_map(SignedDeviceList)
}

pub(crate) fn body() -> impl Strategy<Value = Body> {
    prop_oneof![bin().prop_map(Body::Present), digest().prop_map(Body::Erased), digest().prop_map(Body::Gone)]
}

pub(crate) fn entry() -> impl Strategy<Value = Entry> {
    let kind = prop_oneof![Just(EntryKind::Application), Just(EntryKind::Commit)];
    let place = (conversation(), seq(), entry_id(), kind, epoch());
    let rest = (account(), device(), option::of(seq()), timestamp(), body());
    (place, rest).prop_map(
        |((conversation, seq, id, kind, epoch), (account, device, annotates, received_at, body))| Entry {
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
        },
    )
}

pub(crate) fn slot() -> impl Strategy<Value = Slot> {
    (conversation(), slot_key(), version(), epoch(), account(), device(), bin()).prop_map(
        |(conversation, key, version, epoch, account, device, body)| Slot {
            conversation,
            key,
            version,
            epoch,
            account,
            device,
            body,
        },
    )
}

pub(crate) fn membership() -> impl Strategy<Value = Membership> {
    let agreed = (vec(account(), 0..4), retention());
    (conversation(), conversation_kind(), seq(), epoch(), log_hash(), agreed).prop_map(
        |(conversation, kind, since, epoch, hash_before, (participants, retention))| Membership {
            conversation,
            kind,
            since,
            epoch,
            hash_before,
            participants,
            retention,
        },
    )
}

pub(crate) fn retention() -> impl Strategy<Value = Retention> {
    (proptest::option::of(any::<u32>()), any::<bool>())
        .prop_map(|(days, delivered)| Retention { days, delivered })
}

pub(crate) fn log_page() -> impl Strategy<Value = LogPage> {
    (conversation(), log_hash(), vec(entry(), 0..4), seq(), vec(entry(), 0..2)).prop_map(
        |(conversation, hash_before, entries, head, about)| LogPage {
            conversation,
            hash_before,
            entries,
            head,
            about,
        },
    )
}

pub(crate) fn account_info() -> impl Strategy<Value = AccountInfo> {
    (username(), list()).prop_map(|(username, list)| AccountInfo { username, list })
}
