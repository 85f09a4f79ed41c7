//! The codec against the draft, and its limits.

use data_encoding::HEXLOWER_PERMISSIVE as HEX;

use super::*;

const ALICE: &str = "mimi://example.com/u/alice-smith";
const BOB: &str = "mimi://example.com/u/bob-jones";
const CATHY: &str = "mimi://example.com/u/cathy-washington";
const ROOM: &str = "mimi://example.com/r/engineering_team";

const ORIGINAL: &str = "017ce54837404c3696e0c747b985cb172716d0ed0a3d249ca63ace7d82a096f4";
const REPLY: &str = "015354973c2b65ca937bf1e035ae53a5ab80e947afa43d46920d4202e5cc0b27";
const REACTION: &str = "0158c4288911e50a8f6be3f47746b6682f10fd91bc8c05557aa589a3157aff68";

fn bytes<const N: usize>(hex: &str) -> [u8; N] {
    HEX.decode(hex.as_bytes()).unwrap().try_into().unwrap()
}

fn id(hex: &str) -> MessageId {
    MessageId::from_bytes(bytes(hex)).unwrap()
}

/// A content as the draft's examples have it: with the sender and the room among the extensions.
fn example(salt: &str, sender: &str, part: NestedPart) -> MimiContent {
    let mut content = MimiContent::new(bytes(salt), part);
    content.extensions.insert(ExtensionKey::SENDER_URI, ExtensionValue::text(sender)).unwrap();
    content.extensions.insert(ExtensionKey::ROOM_URI, ExtensionValue::text(ROOM)).unwrap();
    content
}

#[track_caller]
fn assert_id(content: &MimiContent, sender: &str, expected: &str) {
    let encoded = content.encode().unwrap();
    assert_eq!(MimiContent::decode(&encoded).as_ref(), Ok(content));
    assert_eq!(content.check_origin(sender, ROOM), Ok(()));
    let derived = MessageId::derive(&encoded, &content.salt, sender, ROOM).unwrap();
    assert_eq!(derived.to_string(), expected);
}

fn original() -> MimiContent {
    let body = "Hi everyone, we just shipped release 2.0. __Good  work__!";
    example("5eed9406c2545547ab6f09f20a18b003", ALICE, NestedPart::markdown(body))
}

fn session() -> ExternalPart {
    ExternalPart {
        content_type: String::new(),
        url: "https://example.com/join/12345".into(),
        expires: 0,
        size: 0,
        enc_alg: 0,
        key: vec![],
        nonce: vec![],
        aad: vec![],
        hash_alg: 0,
        content_hash: vec![],
        description: "Join the Foo 118 conference".into(),
        filename: String::new(),
    }
}

fn video() -> ExternalPart {
    ExternalPart {
        content_type: "video/mp4".into(),
        url: "https://example.com/storage/8ksB4bSrrRE.mp4".into(),
        size: 708_234_961,
        enc_alg: 1,
        key: bytes::<16>("21399320958a6f4c745dde670d95e0d8").into(),
        nonce: bytes::<12>("c86cf2c33f21527d1dd76f5b").into(),
        hash_alg: 1,
        content_hash: bytes::<32>("9ab17a8cf0890baaae7ee016c7312fcc080ba46498389458ee44f0276e783163").into(),
        description: "2 hours of key signing video".into(),
        filename: "bigfile.mp4".into(),
        ..session()
    }
}

fn multi(semantics: Semantics, parts: Vec<NestedPart>) -> NestedPart {
    NestedPart::new(Disposition::RENDER, Part::Multi { semantics, parts })
}

#[test]
fn bytes_of_the_drafts_first_example() {
    let expected = "87505eed9406c2545547ab6f09f20a18b003f640f6f6a2017820\
                    6d696d693a2f2f6578616d706c652e636f6d2f752f616c6963652d736d697468\
                    0278256d696d693a2f2f6578616d706c652e636f6d2f722f656e67696e656572696e675f7465616d\
                    85016001781e746578742f6d61726b646f776e3b76617269616e743d47464d2d4d494d49\
                    583948692065766572796f6e652c207765206a75737420736869707065642072656c6561736520322e302e20\
                    5f5f476f6f642020776f726b5f5f21";
    assert_eq!(HEX.encode(&original().encode().unwrap()), expected);
}

#[test]
fn message_ids_of_the_drafts_examples() {
    assert_id(&original(), ALICE, ORIGINAL);

    let reply = NestedPart::markdown("Right on! _Congratulations_ 'all!");
    let reply = example("11a458c73b8dd2cf404db4b378b8fe4d", BOB, reply).answering(id(ORIGINAL));
    assert_id(&reply, BOB, REPLY);

    let heart = NestedPart::single(Disposition::REACTION, PLAIN_TEXT, "❤".into());
    let reaction = example("d37bc0e6a8b4f04e9e6382375f587bf6", CATHY, heart).answering(id(ORIGINAL));
    assert_id(&reaction, CATHY, REACTION);

    let edit = NestedPart::markdown("Right on! _Congratulations_ y'all!");
    let edit = example("b8c2e6d8800ecf45df39be6c45f4c042", BOB, edit);
    let edit = edit.replacing(id(REPLY)).answering(id(ORIGINAL));
    assert_id(&edit, BOB, "014028c0deddbdea56bec26172f6ede953d11024cb82b8192b5e2aea62d7fb47");

    let nothing = NestedPart::new(Disposition::RENDER, Part::Null);
    let delete = example("0a590d73b2c7761c39168be5ebf7f2e6", BOB, nothing);
    let delete = delete.replacing(id(REPLY)).answering(id(ORIGINAL));
    assert_id(&delete, BOB, "011d9efc78d04d4dcf4d82b07d5199bbef37011c1f0c7e004b6111c6dda504b4");

    let nothing = NestedPart::new(Disposition::REACTION, Part::Null);
    let unlike = example("c5ba86dc9fd272e58ca52ec805b79199", CATHY, nothing);
    let unlike = unlike.replacing(id(REACTION)).answering(id(ORIGINAL));
    assert_id(&unlike, CATHY, "013aadbb8f313253c8930f4e93c6ca54b2ed06d258185bdcec3870534c8a4ec4");

    let warning = "__*VPN GOING DOWN*__ I'm rebooting the VPN in ten minutes unless anyone objects.";
    let expiring = example("33be993eb39f418f9295afc2ae160d2d", ALICE, NestedPart::markdown(warning));
    let expiring = expiring.expiring(Expiration::At(1_644_390_004));
    assert_id(&expiring, ALICE, "01e59db8173939facc2c8a4a0f0ae8d0c7a11a81239626630c9464a8d6717a03");

    let mut video = NestedPart::new(Disposition::ATTACHMENT, Part::External(Box::new(video())));
    video.language = "en".into();
    let attachment = example("18fac6371e4e53f1aeaf8a013155c166", BOB, video);
    assert_id(&attachment, BOB, "0176180c7d19a925021fe446d241134d05c38e0d999cdc0f39c391d2377ed9d1");

    let session = NestedPart::new(Disposition::SESSION, Part::External(Box::new(session())));
    let mut conferencing = example("678ac6cd54de049c3e9665cd212470fa", ALICE, session);
    conferencing.topic_id = b"Foo 118".to_vec();
    assert_id(&conferencing, ALICE, "01496d15a8dba28d7397f9868b70768e4a67f765d5b5b1ae9e03848c5fdeb0ba");

    let fancy = "application/vnd.examplevendor-fancy-im-message";
    let fancy =
        NestedPart::single(Disposition::RENDER, fancy, bytes::<15>("dc861ebaa718fd7c3ca159f71a2001").into());
    let either = multi(Semantics::ChooseOne, vec![NestedPart::markdown("# Welcome!"), fancy]);
    let either = example("261c953e178af653fe3d42641b91d814", ALICE, either);
    assert_id(&either, ALICE, "01da5a515ec5db42cc4dcc19b90c3c31245d8a1cfcce11318f24eb11dce0990e");
    assert_eq!(either.view(), ContentView::Text { body: "# Welcome!", format: TextFormat::Markdown });
}

#[test]
fn views() {
    let salt = [7; 16];
    let text = |body| ContentView::Text { body, format: TextFormat::Plain };

    assert_eq!(MimiContent::text(salt, "hi").view(), text("hi"));
    assert_eq!(MimiContent::reply(salt, id(ORIGINAL), "hi").view(), text("hi"));
    assert_eq!(
        MimiContent::edit(salt, id(ORIGINAL), "hi").view(),
        ContentView::Edit { original: id(ORIGINAL), new: Box::new(text("hi")) }
    );
    assert_eq!(
        MimiContent::delete(salt, id(ORIGINAL)).view(),
        ContentView::Delete { original: id(ORIGINAL) }
    );
    assert_eq!(
        MimiContent::unreact(salt, id(REACTION), id(ORIGINAL)).view(),
        ContentView::Delete { original: id(REACTION) }
    );
    assert_eq!(
        MimiContent::reaction(salt, id(ORIGINAL), "❤").view(),
        ContentView::Reaction { to: id(ORIGINAL), reactions: vec!["❤"] }
    );
    // The draft's example of several reactions, put to a message.
    let sign = |sign: &str| NestedPart::single(Disposition::REACTION, PLAIN_TEXT, sign.into());
    let mut signs = multi(Semantics::ProcessAll, vec![sign("❤"), sign("🥳"), sign("🤞")]);
    signs.disposition = Disposition::REACTION;
    assert_eq!(
        MimiContent::new(salt, signs).answering(id(ORIGINAL)).view(),
        ContentView::Reaction { to: id(ORIGINAL), reactions: vec!["❤", "🥳", "🤞"] }
    );

    let attachment = MimiContent::attachment(salt, video());
    let ContentView::Attachment(shown) = attachment.view() else { panic!("an attachment") };
    assert_eq!((shown.content_type, shown.source), ("video/mp4", AttachmentSource::External(&video())));

    let picture = NestedPart::single(Disposition::INLINE, "image/png", vec![1, 2]);
    let with_caption = multi(Semantics::SingleUnit, vec![picture, NestedPart::plain("look")]);
    let content = MimiContent::new(salt, with_caption);
    let ContentView::Several(shown) = content.view() else { panic!("two views") };
    assert_eq!(shown[1], text("look"));
}

#[test]
fn what_cannot_be_shown() {
    let single = |kind: &str, content: &[u8]| NestedPart::single(Disposition::RENDER, kind, content.to_vec());
    for (part, content_type) in [
        (single("application/x-new", b"?"), "application/x-new"),
        (single("text/plain;charset=utf-16", b"hi"), "text/plain;charset=utf-16"),
        (single(PLAIN_TEXT, b"\xff"), PLAIN_TEXT),
        (NestedPart::new(Disposition::RENDER, Part::Null), ""),
        (NestedPart::new(Disposition::SESSION, Part::External(Box::new(session()))), ""),
        (multi(Semantics::SingleUnit, vec![NestedPart::plain("a"), single("x/y", b"")]), "x/y"),
    ] {
        let content = MimiContent::new([7; 16], part);
        assert_eq!(content.view(), ContentView::Unsupported { content_type });
    }
    let text = MimiContent::new([7; 16], single("Text/Plain; Charset=\"UTF-8\"", b"hi"));
    assert_eq!(text.view(), ContentView::Text { body: "hi", format: TextFormat::Plain });
}

#[test]
fn origins_that_contradict_are_refused() {
    assert_eq!(original().check_origin(BOB, ROOM), Err(ContentError::ForeignOrigin));
    assert_eq!(original().check_origin(ALICE, &conversation_uri(&[1; 16])), Err(ContentError::ForeignOrigin));
    assert_eq!(MimiContent::text([7; 16], "").check_origin(BOB, ROOM), Ok(()));
    let number = ExtensionValue::from_cbor(vec![1]).unwrap();
    assert_eq!(
        original().extensions.insert(ExtensionKey::ROOM_URI, number),
        Err(ContentError::BadOriginType)
    );
    assert_eq!(account_uri(&[0xab; 2]), "mimi://diario/u/abab");
}

#[test]
fn limits_hold_for_sender_and_receiver() {
    let text = || NestedPart::plain("x");
    let nest = |part, _| multi(Semantics::ProcessAll, vec![part, text()]);
    for (part, error) in [
        ((0..MAX_PART_DEPTH).fold(text(), nest), ContentError::PartsTooDeep),
        (multi(Semantics::ProcessAll, vec![text(); MAX_PARTS]), ContentError::TooManyParts),
        (multi(Semantics::ProcessAll, vec![text()]), ContentError::TooFewParts),
    ] {
        let content = MimiContent::new([7; 16], part);
        assert_eq!(content.encode(), Err(error));
        assert_eq!(MimiContent::decode(&codec::to_vec(&content)), Err(error));
    }
    for part in
        [(1..MAX_PART_DEPTH).fold(text(), nest), multi(Semantics::ProcessAll, vec![text(); MAX_PARTS - 1])]
    {
        let content = MimiContent::new([7; 16], part);
        assert_eq!(MimiContent::decode(&content.encode().unwrap()), Ok(content));
    }
    let mut content = MimiContent::text([7; 16], "x");
    content.topic_id = vec![0; MAX_TOPIC_LEN + 1];
    assert_eq!(content.encode(), Err(ContentError::TopicTooLong));
    assert_eq!(MimiContent::decode(&codec::to_vec(&content)), Err(ContentError::TopicTooLong));
    assert_eq!(MessageId::from_bytes([2; 32]), Err(ContentError::UnknownHashAlgorithm(2)));
}

#[test]
fn only_the_deterministic_encoding_is_read() {
    // A minimal content: salt, four empty fields, no extensions, a null part.
    let content = |fields: &str| format!("87{}{fields}", "5000000000000000000000000000000000");
    for (fields, is_fine) in [
        ("f640f6f6a083016000", true),
        ("f640f6f6a083016000ff", false),                   // trailing byte
        ("f640f6f6a09f016000ff", false),                   // indefinite array
        ("f640f6f6bfff83016000", false),                   // indefinite map
        ("f65ff6f6f6a083016000", false),                   // indefinite bytes
        ("f6405f80ff", false),                             // wrong type
        ("f640f6f6a08318016000", false),                   // 1 in two bytes
        ("f6405800f6a083016000", false),                   // empty bytes in two bytes
        ("f640f6f6a08319010060", false),                   // disposition 256
        ("f640f6f6a083016004", false),                     // unknown cardinality
        ("f640f6f6a084016000f6", false),                   // one field too many
        ("f64082f41b0000000100000000f6a083016000", false), // expiry beyond 32 bits
        ("f64082f41affffffff f6a083016000", true),
        ("f640f6f6a20ef60df683016000", false), // unsorted keys
        ("f640f6f6a20df60df683016000", false), // a key twice
        ("f640f6f6a30df620f66161f683016000", true),
        ("f640f6f6a160f683016000", false),                 // empty key
        ("f640f6f6a1f6f683016000", false),                 // key of another type
        ("f640f6f6a11b0020000000000000f683016000", false), // key beyond 53 bits
        ("f640f6f6a1010183016000", false),                 // a sender that is no text
    ] {
        let hex = content(&fields.replace(' ', ""));
        let encoded = HEX.decode(hex.as_bytes()).unwrap();
        let decoded = MimiContent::decode(&encoded);
        assert_eq!(decoded.is_ok(), is_fine, "{fields}: {decoded:?}");
        if let Ok(decoded) = decoded {
            assert_eq!(decoded.encode().unwrap(), encoded);
        }
    }
}

#[test]
fn extension_values() {
    for (item, is_fine) in [
        ("a26101d820f6", false),     // a map shorter than its head says
        ("8182d820f6f6", true),      // levels 2, 3 and 4
        ("8182d820d820f6f6", false), // level 5
        ("a2014002f7", true),
        ("a2024001f7", false), // unsorted
        ("a141004101", true),  // a key of bytes
        ("a1f600", false),     // a null as a key
        ("c249010000000000000000", true),
        ("c24100", false),             // a bignum that fits an integer
        ("f93c00", true),              // 1.0
        ("fa3f800000", false),         // 1.0 in four bytes
        ("fa33800000", false),         // 2^-24, the least half float, in four bytes
        ("fa33000000", true),          // 2^-25
        ("fa477fe000", false),         // 65504.0, the largest half float
        ("fa47800000", true),          // 65536.0
        ("fa7f800000", false),         // infinity
        ("fb3ff0000000000000", false), // 1.0 in eight bytes
        ("fb3ff199999999999a", true),  // 1.1
        ("f97e00", true),              // the one NaN
        ("f97e01", false),
        ("fa7fc00000", false),
        ("fa3f80", false),            // cut off
        ("3bffffffffffffffff", true), // -2^64
        ("3b0000000000000001", false),
        ("f818", false),
        ("f8ff", true),
        ("ff", false),
        ("6161 00", false), // trailing byte
        ("61ff", false),    // no UTF-8
        ("", false),
    ] {
        let value = ExtensionValue::from_cbor(HEX.decode(item.replace(' ', "").as_bytes()).unwrap());
        assert_eq!(value.is_ok(), is_fine, "{item}: {value:?}");
    }
    assert!(ExtensionKey::text("").is_err() && ExtensionKey::text("x".repeat(256)).is_err());
    assert!(ExtensionKey::int(1 << 53).is_err() && ExtensionKey::int(i64::MIN).is_err());
}

#[test]
fn status_codes() {
    assert!((0..=255).all(|code| MessageStatus::from_code(code).code() == code));
}
