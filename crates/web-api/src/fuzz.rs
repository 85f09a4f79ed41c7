//! What the fuzz target of this crate does with an input; see `diario_protocol::fuzz`.

use std::fmt::Debug;

use diario_protocol::{decode, encode};
use minicbor::{Decode, Encode};

use crate::{ToPage, ToWorker};

/// What a page or the worker says, as the other reads it; the first byte says who speaks.
pub fn page_frame(bytes: &[u8]) -> bool {
    match bytes.split_first() {
        Some((0, frame)) => cbor::<ToWorker>(frame),
        Some((1, frame)) => cbor::<ToPage>(frame),
        _ => false,
    }
}

fn cbor<T>(bytes: &[u8]) -> bool
where
    T: for<'a> Decode<'a, ()> + Encode<()> + PartialEq + Debug,
{
    let Ok(frame) = decode::<T>(bytes, bytes.len()) else { return false };
    let again = encode(&frame);
    let read: Result<T, _> = decode(&again, again.len());
    assert_eq!(read.as_ref(), Ok(&frame));
    assert_eq!(read.map(|read| encode(&read)), Ok(again));
    true
}

#[cfg(test)]
#[path = "../../../fuzz/replay.rs"]
mod replay;

#[cfg(test)]
mod tests {
    #[test]
    fn the_corpus_goes_through() {
        super::replay::replay("page_frame", super::page_frame);
    }
}
