//! Frames that promise more than they hold: what they declare is not believed.

use std::time::{Duration, Instant};

use diario_protocol::{
    AccountInfo, Bin, ClientFrame, Position, PutKeyPackages, Reply, Request, RequestId, ServerFrame, decode,
    encode,
};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

use crate::NO_LIMIT;
use crate::codec::HEADS;
use crate::frames::{client_frame, server_frame};

/// The most address space that this process ever had, in bytes; where there is no `/proc`, nothing is said.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmPeak:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
}

/// Decodes a frame with every head in place of, and before, every one of its bytes.
fn promise_much<T>(bytes: &[u8])
where
    T: for<'b> minicbor::Decode<'b, ()>,
{
    for at in 0..bytes.len() {
        for head in HEADS {
            for skipped in [0, 1] {
                let hostile = [&bytes[..at], head, &bytes[at + skipped..]].concat();
                let begin = Instant::now();
                let _ = decode::<T>(&hostile, NO_LIMIT);
                assert!(begin.elapsed() < Duration::from_secs(1), "{hostile:02x?}");
            }
        }
    }
}

#[test]
fn what_a_head_declares_is_not_believed() {
    let before = peak();
    let mut runner = TestRunner::deterministic();
    for _ in 0..40 {
        promise_much::<ClientFrame>(&encode(&client_frame().new_tree(&mut runner).unwrap().current()));
        promise_much::<ServerFrame>(&encode(&server_frame().new_tree(&mut runner).unwrap().current()));
    }
    // The heads declare 256 MiB of items and more; the other tests' threads take some, too.
    if let (Some(before), Some(after)) = (before, peak()) {
        assert!(after - before < 1 << 30, "{} MiB", (after - before) >> 20);
    }
}

/// Nested as deep as a frame is long: fields that nobody knows are skipped without recursion.
#[test]
fn depth_is_no_danger() {
    let known = encode(&ClientFrame { id: RequestId(1), request: Request::Subscribe(Position(1)) });
    // 82 (frame) 01 (id) 82 (request) 02 (subscribe) 81 (fields) 01: one field more, of which nothing is known.
    assert_eq!(known, [0x82, 0x01, 0x82, 0x02, 0x81, 0x01]);
    for opener in [0x81, 0x9f, 0xa1, 0xbf, 0xc1, 0xd8] {
        let mut deep = vec![0x83, 0x01, 0x82, 0x02, 0x81, 0x01];
        deep.resize(4 << 20, opener);
        assert!(decode::<ClientFrame>(&deep, NO_LIMIT).is_err());
    }
    let mut deep = vec![0x83, 0x01, 0x82, 0x02, 0x81, 0x01];
    deep.resize(1 << 20, 0x81);
    deep.push(0x00);
    assert!(decode::<ClientFrame>(&deep, NO_LIMIT).is_ok());
}

/// Lists of the smallest items: the memory they take stays in proportion to the frame.
#[test]
fn small_items_stay_small() {
    let items = 100_000;
    let keys = PutKeyPackages { one_time: vec![Bin::default(); items], last_resort: None };
    let client = encode(&ClientFrame { id: RequestId(1), request: Request::PutKeyPackages(keys) });
    let server = encode(&ServerFrame::Reply(RequestId(1), Reply::Accounts(vec![None; items])));
    for (bytes, of_one) in [(client, size_of::<Bin>()), (server, size_of::<Option<AccountInfo>>())] {
        assert!(bytes.len() < items + 100);
        assert!(of_one <= 64, "{of_one} bytes of memory for one on the wire");
    }
}

proptest! {
    /// Far too many items and then nothing, after any beginning of a frame.
    #[test]
    fn lists_that_end_early_never_panic(frame in server_frame(), at in any::<prop::sample::Index>(), items in 0..64_usize) {
        let bytes = encode(&frame);
        let at = at.index(bytes.len());
        for item in [0xf6, 0x40, 0x80, 0x00] {
            let hostile = [&bytes[..at], HEADS[0], &vec![item; items]].concat();
            // Inside a byte string the head is only bytes, and the frame may even be good.
            let _ = decode::<ServerFrame>(&hostile, NO_LIMIT);
        }
    }
}
