//! Properties of the codec and the padding, on generated contents.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::*;

fn any_part() -> impl Strategy<Value = NestedPart> {
    let external = (".{0,20}", any::<(u32, u64, u16, u8)>(), vec(any::<u8>(), 0..40)).prop_map(
        |(text, (expires, size, enc_alg, hash_alg), key)| ExternalPart {
            url: text.clone(),
            expires,
            size,
            enc_alg,
            hash_alg,
            filename: text,
            key,
            content_type: String::new(),
            nonce: Vec::from([1; 12]),
            aad: Vec::new(),
            content_hash: Vec::new(),
            description: String::new(),
        },
    );
    let leaf = prop_oneof![
        Just(Part::Null),
        (".{0,30}", vec(any::<u8>(), 0..300))
            .prop_map(|(content_type, content)| Part::Single { content_type, content }),
        external.prop_map(|external| Part::External(Box::new(external))),
    ];
    let nested = |part: BoxedStrategy<Part>| {
        (any::<u8>(), "[a-z]{0,3}", part).prop_map(|(disposition, language, part)| NestedPart {
            disposition: Disposition(disposition),
            language,
            part,
        })
    };
    let semantics =
        prop_oneof![Just(Semantics::ChooseOne), Just(Semantics::SingleUnit), Just(Semantics::ProcessAll)];
    nested(leaf.boxed()).prop_recursive(3, 30, 3, move |part| {
        let multi = (semantics.clone(), vec(part, 2..4))
            .prop_map(|(semantics, parts)| Part::Multi { semantics, parts });
        nested(multi.boxed())
    })
}

fn any_extensions() -> impl Strategy<Value = Extensions> {
    let key = prop_oneof![
        (3_i64..1 << 53).prop_map(|key| ExtensionKey::int(key).unwrap()),
        (-(1_i64 << 53) + 1..0).prop_map(|key| ExtensionKey::int(key).unwrap()),
        "[a-z]{1,40}".prop_map(|key| ExtensionKey::text(key).unwrap()),
    ];
    let value = prop_oneof![
        ".{0,40}".prop_map(|text| ExtensionValue::text(&text)),
        any::<i64>().prop_map(|int| ExtensionValue::from_cbor(codec::to_vec(&int)).unwrap()),
    ];
    vec((key, value), 0..6).prop_map(|entries| {
        let mut extensions = Extensions::default();
        for (key, value) in entries {
            extensions.insert(key, value).unwrap();
        }
        extensions
    })
}

fn any_content() -> impl Strategy<Value = MimiContent> {
    let message_id = || {
        option::of(any::<[u8; 32]>().prop_map(|mut bytes| {
            bytes[0] = 1;
            MessageId::from_bytes(bytes).unwrap()
        }))
    };
    let expires = option::of(prop_oneof![
        any::<u32>().prop_map(Expiration::At),
        any::<u32>().prop_map(Expiration::AfterReading)
    ]);
    let ids = (any::<[u8; 16]>(), message_id(), message_id());
    (ids, vec(any::<u8>(), 0..40), expires, any_extensions(), any_part()).prop_map(
        |((salt, replaces, in_reply_to), topic_id, expires, extensions, nested_part)| MimiContent {
            salt,
            replaces,
            topic_id,
            expires,
            in_reply_to,
            extensions,
            nested_part,
        },
    )
}

proptest! {
    #[test]
    fn roundtrip(content in any_content()) {
        let encoded = content.encode().unwrap();
        let _ = content.view();
        prop_assert_eq!(MimiContent::decode(&encoded), Ok(content));
    }

    #[test]
    fn truncated_is_refused(content in any_content(), cut in any::<prop::sample::Index>()) {
        let encoded = content.encode().unwrap();
        prop_assert!(MimiContent::decode(&encoded[..cut.index(encoded.len())]).is_err());
    }

    /// Whatever is read encodes to the very bytes it was read from.
    #[test]
    fn what_is_read_has_one_encoding(
        content in any_content(),
        at in any::<prop::sample::Index>(),
        bits in 1_u8..,
    ) {
        let mut encoded = content.encode().unwrap();
        let at = at.index(encoded.len());
        encoded[at] ^= bits;
        if let Ok(decoded) = MimiContent::decode(&encoded) {
            let _ = decoded.view();
            prop_assert_eq!(decoded.encode().unwrap(), encoded);
        }
    }

    #[test]
    fn garbage_never_panics(bytes in vec(any::<u8>(), 0..400)) {
        let _ = MimiContent::decode(&bytes);
        if let Ok(value) = ExtensionValue::from_cbor(bytes) {
            let _ = value.as_text();
        }
    }
}
