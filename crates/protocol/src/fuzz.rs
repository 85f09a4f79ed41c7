//! What the fuzz targets of this crate do with an input; each says whether the input meant something.
//!
//! They are here, and not in `fuzz/`, so that the tests of this crate can run the corpus: that costs CI a moment, where
//! a crate of its own would be built and linked once more. Nothing but tests and cargo-fuzz builds this module.

use std::fmt::{Debug, Display};
use std::str::FromStr;

use minicbor::{Decode, Encode};

use crate::device_list::{DeviceList, SignedDeviceList};
use crate::limits::{Limits, SERVER_FRAME};
use crate::roster::{CommitBundle, LeafIdentity, Participants};
use crate::{
    AccountId, Bin, ClientFrame, ConversationId, DecodeError, Digest, MailboxId, PublicKey, PushSubscription,
    Retention, ServerFrame, Signature, Slot, Username, decode, encode, hex,
};

/// The identity key of the seeds: nobody but them can be valid.
const SEEDS_KEY: PublicKey = PublicKey::new([
    0x8a, 0x88, 0xe3, 0xdd, 0x74, 0x09, 0xf1, 0x95, 0xfd, 0x52, 0xdb, 0x2d, 0x3c, 0xba, 0x5d, 0x72, 0xca,
    0x67, 0x09, 0xbf, 0x1d, 0x94, 0x12, 0x1b, 0xf3, 0x74, 0x88, 0x01, 0xb4, 0x0f, 0x6f, 0x5c,
]);

/// A device's frame, as the server reads it.
pub fn client_frame(bytes: &[u8]) -> bool {
    cbor::<ClientFrame>(bytes, Limits::default().frame as usize)
}

/// The server's frame, as a device reads it.
pub fn server_frame(bytes: &[u8]) -> bool {
    cbor::<ServerFrame>(bytes, SERVER_FRAME)
}

/// A signed device list, as whoever gets it checks it: only lists that were signed are good.
pub fn device_list(bytes: &[u8]) -> bool {
    let Ok(valid) = SignedDeviceList(Bin(bytes.to_vec())).validate() else { return false };
    let list = valid.list();
    assert_eq!(list.identity_key, SEEDS_KEY, "forged");
    assert_eq!(valid.account(), list.account());
    assert!(!list.devices.is_empty());
    // What was signed is in there as it was signed.
    let payload = encode(list);
    assert!(bytes.windows(payload.len()).any(|part| part == payload));
    true
}

/// What stands inside other things, and what people type: the first byte says which.
pub fn parts(bytes: &[u8]) -> bool {
    let Some((which, bytes)) = bytes.split_first() else { return false };
    let most = bytes.len();
    let text = std::str::from_utf8(bytes).unwrap_or_default();
    match which {
        0 => cbor::<Participants>(bytes, most),
        1 => cbor::<CommitBundle>(bytes, most),
        2 => cbor::<DeviceList>(bytes, most),
        3 => cbor::<Slot>(bytes, most),
        4 => cbor::<PushSubscription>(bytes, most),
        5 => {
            let read = LeafIdentity::from_bytes(bytes);
            assert!(read.is_none_or(|identity| identity.to_bytes() == bytes));
            read.is_some()
        }
        6 => words::<Username>(text),
        7 => words::<Retention>(text),
        8 => words::<AccountId>(text) | words::<ConversationId>(text) | words::<MailboxId>(text),
        9 => words::<Digest>(text) | words::<PublicKey>(text) | words::<Signature>(text),
        10 => {
            let read = hex::read::<4>(text);
            assert!(read.is_none_or(|read| hex::Shown(&read).to_string() == text.to_ascii_lowercase()));
            read.is_some()
        }
        _ => false,
    }
}

/// What is read means one thing: written and read again it is the same, and from then on the bytes are, too.
fn cbor<T>(bytes: &[u8], limit: usize) -> bool
where
    T: for<'a> Decode<'a, ()> + Encode<()> + PartialEq + Debug,
{
    let frame: T = match decode(bytes, limit) {
        Ok(frame) => frame,
        Err(e) => {
            assert_eq!(matches!(e, DecodeError::TooLong { .. }), bytes.len() > limit);
            return false;
        }
    };
    let again = encode(&frame);
    assert!(again.len() <= bytes.len(), "nothing read is made up");
    let read: Result<T, _> = decode(&again, limit);
    assert_eq!(read.as_ref(), Ok(&frame));
    assert_eq!(read.map(|read| encode(&read)), Ok(again));
    true
}

/// What is read of a text is written so that it is read the same.
fn words<T: FromStr + Display + PartialEq + Debug>(text: &str) -> bool {
    let Ok(read) = text.parse::<T>() else { return false };
    assert_eq!(read.to_string().parse::<T>().ok().as_ref(), Some(&read));
    true
}

#[cfg(test)]
#[path = "../../../fuzz/replay.rs"]
mod replay;

#[cfg(test)]
mod tests {
    use super::replay::replay;

    #[test]
    fn the_corpora_go_through() {
        replay("client_frame", super::client_frame);
        replay("server_frame", super::server_frame);
        replay("device_list", super::device_list);
        replay("protocol_parts", super::parts);
    }
}
