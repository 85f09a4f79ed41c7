//! Signed device lists: only the very bytes that the account signed are taken.

use diario_protocol::device_list::{DeviceList, DeviceRole, ListedDevice, SignedDeviceList};
use diario_protocol::{Bin, PublicKey, Timestamp};
use ed25519_dalek::SigningKey;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use crate::codec::touch;
use crate::parts::{bin, number};

fn devices() -> impl Strategy<Value = Vec<ListedDevice>> {
    let role = prop_oneof![Just(DeviceRole::Primary), Just(DeviceRole::Linked)];
    let device = (any::<[u8; 32]>(), role, option::of(number().prop_map(Timestamp)))
        .prop_map(|(key, role, valid_until)| ListedDevice { key: PublicKey::new(key), role, valid_until });
    vec(device, 1..5)
}

fn signed() -> impl Strategy<Value = (DeviceList, SignedDeviceList)> {
    (any::<[u8; 32]>(), number(), number().prop_map(Timestamp), devices()).prop_map(
        |(secret, version, issued_at, devices)| {
            let key = SigningKey::from_bytes(&secret);
            let identity_key = PublicKey::new(key.verifying_key().to_bytes());
            let list = DeviceList { identity_key, version, issued_at, devices };
            let signed = list.sign(&key);
            (list, signed)
        },
    )
}

proptest! {
    #[test]
    fn a_signed_list_says_what_was_signed((list, signed) in signed()) {
        let valid = signed.validate().unwrap();
        prop_assert_eq!(valid.list(), &list);
        prop_assert_eq!(valid.account(), list.account());
        prop_assert_eq!(valid.signed(), &signed);
    }

    #[test]
    fn a_touched_list_is_refused((_, signed) in signed(), touches in vec(touch(), 1..4)) {
        let mut bytes = signed.0.0.clone();
        for touch in touches {
            touch.apply(&mut bytes);
        }
        if bytes != signed.0.0 {
            let touched = SignedDeviceList(Bin(bytes));
            prop_assert!(touched.validate().is_err(), "{:02x?}", touched.0.0);
        }
    }

    #[test]
    fn no_bytes_are_a_list(bytes in bin()) {
        prop_assert!(SignedDeviceList(bytes).validate().is_err());
    }
}

/// One list has one form: the same words in other bytes would look like a second list of the same version.
#[test]
fn the_same_list_in_other_bytes_is_refused() {
    let key = SigningKey::from_bytes(&[1; 32]);
    let list = DeviceList {
        identity_key: PublicKey::new(key.verifying_key().to_bytes()),
        version: 1,
        issued_at: Timestamp(1),
        devices: vec![ListedDevice {
            key: PublicKey::new([9; 32]),
            role: DeviceRole::Primary,
            valid_until: None,
        }],
    };
    let good = list.sign(&key).0.0;
    // An array of four: the protected headers, the others, the payload, the signature.
    assert_eq!((&good[..2], &good[2..6]), (&[0x84, 0x43][..], &[0xa1, 0x01, 0x27, 0xa0][..]));
    let longer_head = [&[0x98, 0x04], &good[1..]].concat();
    let no_end = [&[0x9f], &good[1..], &[0xff]].concat();
    let unsigned_header = [&good[..5], &[0xa1, 0x04, 0x41, 0x00], &good[6..]].concat();
    let longer_bytes = [&[0x84, 0x58, 0x03], &good[2..]].concat();
    let tagged = [&[0xd2], good.as_slice()].concat();
    let forms = [longer_head, no_end, unsigned_header, longer_bytes, tagged];
    let taken: Vec<_> =
        forms.into_iter().filter(|form| SignedDeviceList(Bin(form.clone())).validate().is_ok()).collect();
    assert!(taken.is_empty(), "{taken:02x?}");
}
