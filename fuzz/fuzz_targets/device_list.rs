//! A signed device list, as whoever gets it checks it: only lists that were signed are good.
#![no_main]

use diario_protocol::device_list::SignedDeviceList;
use diario_protocol::{Bin, PublicKey, encode};
use libfuzzer_sys::fuzz_target;

/// The identity key of the seeds: nobody but them can be valid.
const SEEDS_KEY: PublicKey = PublicKey::new([
    0x8a, 0x88, 0xe3, 0xdd, 0x74, 0x09, 0xf1, 0x95, 0xfd, 0x52, 0xdb, 0x2d, 0x3c, 0xba, 0x5d, 0x72, 0xca,
    0x67, 0x09, 0xbf, 0x1d, 0x94, 0x12, 0x1b, 0xf3, 0x74, 0x88, 0x01, 0xb4, 0x0f, 0x6f, 0x5c,
]);

fuzz_target!(|bytes: &[u8]| {
    if let Ok(valid) = SignedDeviceList(Bin(bytes.to_vec())).validate() {
        let list = valid.list();
        assert_eq!(list.identity_key, SEEDS_KEY, "forged");
        assert_eq!(valid.account(), list.account());
        assert!(!list.devices.is_empty());
        // What was signed is in there as it was signed.
        let payload = encode(list);
        assert!(bytes.windows(payload.len()).any(|part| part == payload));
    }
});
