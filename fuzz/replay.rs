//! A target's corpus without a fuzzer: what the tests of each crate with targets do.

use std::path::Path;

/// Gives every input of a target's corpus to it.
///
/// Those with a name are seeds, which mean something: the target has to say so. Those that are named by their hash were
/// found by the fuzzer, and have only to be survived.
#[allow(clippy::disallowed_methods, reason = "what may open no file opens these in its tests")]
pub(crate) fn replay(target: &str, body: impl Fn(&[u8]) -> bool) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    let mut seeds = 0;
    for input in std::fs::read_dir(&folder).expect("a target has a corpus") {
        let input = input.expect("the corpus can be listed").path();
        let name = input.file_name().and_then(|name| name.to_str()).expect("a plain name");
        let meant = body(&std::fs::read(&input).expect("an input can be read"));
        let is_found = name.len() == 40 && name.bytes().all(|b| b.is_ascii_hexdigit());
        if !is_found {
            assert!(meant, "{target}: the seed {name} means nothing");
            seeds += 1;
        }
    }
    assert!(seeds > 0, "{target} has no seeds");
}
