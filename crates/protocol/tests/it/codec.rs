//! What holds for every frame, and for what was one before somebody touched it.

use std::fmt::Debug;

use diario_protocol::{ClientFrame, DecodeError, ServerFrame, decode, encode};
use minicbor::{Decode, Encode};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use crate::NO_LIMIT;
use crate::frames::{client_frame, server_frame};

/// A change of some bytes.
#[derive(Debug, Clone)]
pub(crate) enum Touch {
    Flip(Index, u8),
    Replace(Index, u8),
    Insert(Index, Vec<u8>),
    Remove(Index),
    Cut(Index),
    /// A part of it again, at another place.
    Repeat(Index, Index, Index),
}

/// Heads of CBOR items that promise much, or are none.
pub(crate) const HEADS: [&[u8]; 12] = [
    &[0x9b, 0x10, 0, 0, 0, 0, 0, 0, 0],
    &[0xbb, 0x10, 0, 0, 0, 0, 0, 0, 0],
    &[0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
    &[0xbb, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
    &[0x5b, 0, 0, 1, 0, 0, 0, 0, 0],
    &[0x7b, 0, 0, 1, 0, 0, 0, 0, 0],
    &[0x5b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
    &[0x9a, 0x10, 0, 0, 0],
    &[0x9f],
    &[0xbf],
    &[0x5f],
    &[0xff],
];

pub(crate) fn touch() -> impl Strategy<Value = Touch> {
    let at = any::<Index>;
    let inserted = prop_oneof![
        vec(any::<u8>(), 1..4),
        proptest::sample::select(HEADS.to_vec()).prop_map(<[u8]>::to_vec),
    ];
    prop_oneof![
        (at(), 0..8_u8).prop_map(|(at, bit)| Touch::Flip(at, bit)),
        (at(), any::<u8>()).prop_map(|(at, byte)| Touch::Replace(at, byte)),
        (at(), inserted).prop_map(|(at, bytes)| Touch::Insert(at, bytes)),
        at().prop_map(Touch::Remove),
        at().prop_map(Touch::Cut),
        (at(), at(), at()).prop_map(|(from, to, at)| Touch::Repeat(from, to, at)),
    ]
}

impl Touch {
    pub(crate) fn apply(&self, bytes: &mut Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        let len = bytes.len();
        match self {
            Self::Flip(at, bit) => bytes[at.index(len)] ^= 1 << bit,
            Self::Replace(at, byte) => bytes[at.index(len)] = *byte,
            Self::Insert(at, inserted) => {
                let at = at.index(len + 1);
                bytes.splice(at..at, inserted.iter().copied());
            }
            Self::Remove(at) => {
                bytes.remove(at.index(len));
            }
            Self::Cut(at) => bytes.truncate(at.index(len)),
            Self::Repeat(from, to, at) => {
                let (from, to, at) = (from.index(len), to.index(len), at.index(len));
                let part = bytes[from.min(to)..from.max(to)].to_vec();
                bytes.splice(at..at, part);
            }
        }
    }
}

type Checked = Result<(), TestCaseError>;

fn reads_back<T>(frame: &T) -> Checked
where
    T: Encode<()> + for<'b> Decode<'b, ()> + PartialEq + Debug,
{
    let bytes = encode(frame);
    let back: T = decode(&bytes, bytes.len()).unwrap();
    prop_assert_eq!(&back, frame);
    prop_assert_eq!(encode(&back), bytes);
    Ok(())
}

fn is_read_whole_or_not_at_all<T>(frame: &T) -> Checked
where
    T: Encode<()> + for<'b> Decode<'b, ()> + PartialEq + Debug,
{
    let mut bytes = encode(frame);
    for end in 0..bytes.len() {
        let cut: Result<T, _> = decode(&bytes[..end], NO_LIMIT);
        prop_assert!(matches!(cut, Err(DecodeError::Malformed(_))), "{end} of {}: {cut:?}", bytes.len());
    }
    let (size, limit) = (bytes.len(), bytes.len() - 1);
    prop_assert_eq!(decode::<T>(&bytes, limit), Err(DecodeError::TooLong { size, limit }));
    for more in 1..3 {
        bytes.push(0);
        prop_assert_eq!(decode::<T>(&bytes, NO_LIMIT), Err(DecodeError::Trailing(more)));
    }
    Ok(())
}

/// Bytes that are read mean one thing: what they are written as reads the same.
pub(crate) fn means_one_thing<T>(bytes: &[u8]) -> Checked
where
    T: Encode<()> + for<'b> Decode<'b, ()> + PartialEq + Debug,
{
    if let Ok(frame) = decode::<T>(bytes, NO_LIMIT) {
        let again = encode(&frame);
        // What is written is never longer: nothing read is made up.
        prop_assert!(again.len() <= bytes.len());
        prop_assert_eq!(decode::<T>(&again, NO_LIMIT), Ok(frame));
    }
    Ok(())
}

proptest! {
    #[test]
    fn frames_of_devices_read_back(frame in client_frame()) {
        reads_back(&frame)?;
    }

    #[test]
    fn frames_of_the_server_read_back(frame in server_frame()) {
        reads_back(&frame)?;
    }

    #[test]
    fn touched_frames_of_devices_never_panic(frame in client_frame(), touches in vec(touch(), 1..6)) {
        let mut bytes = encode(&frame);
        for touch in touches {
            touch.apply(&mut bytes);
            means_one_thing::<ClientFrame>(&bytes)?;
        }
    }

    #[test]
    fn touched_frames_of_the_server_never_panic(frame in server_frame(), touches in vec(touch(), 1..6)) {
        let mut bytes = encode(&frame);
        for touch in touches {
            touch.apply(&mut bytes);
            means_one_thing::<ServerFrame>(&bytes)?;
        }
    }

    #[test]
    fn no_bytes_panic(bytes in vec(any::<u8>(), 0..200), variant in 0..32_u8) {
        // As they are, and where a request and a reply begin.
        let client = [&[0x82, 0x00, 0x82, variant], bytes.as_slice()].concat();
        let server = [&[0x82, 0x01, 0x82, 0x00, 0x82, variant], bytes.as_slice()].concat();
        for bytes in [bytes, client, server] {
            means_one_thing::<ClientFrame>(&bytes)?;
            means_one_thing::<ServerFrame>(&bytes)?;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn frames_of_devices_are_read_whole_or_not_at_all(frame in client_frame()) {
        is_read_whole_or_not_at_all(&frame)?;
    }

    #[test]
    fn frames_of_the_server_are_read_whole_or_not_at_all(frame in server_frame()) {
        is_read_whole_or_not_at_all(&frame)?;
    }
}
