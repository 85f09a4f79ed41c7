//! Ids that are the same in every export of a chat.

use std::collections::HashMap;
use std::fmt;

use sha2::{Digest, Sha256};

use super::stamp::{LRM, Stamp};

/// Names one message in every export of its chat.
///
/// It is a hash of the line as written: the numbers of date and time, sender, text, and the place among
/// identical ones. It depends on no option and on no guess, so an import with another time zone or date
/// order has the same ids with other times, which the caller can put right. An export in another language
/// or by another kind of phone has other ids, and so has a message that was edited or deleted in between.
/// Ids of two chats may coincide; keep them apart by chat.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ImportId([u8; 16]);

impl ImportId {
    /// The id from stored bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The bytes to store.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for ImportId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ImportId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ImportId({self})")
    }
}

/// Counts identical messages while a file is read from its start.
#[derive(Default)]
pub(super) struct Ordinals(HashMap<[u8; 16], u32>);

impl Ordinals {
    /// The id of the next message, and its place among identical ones.
    ///
    /// A later export only adds messages at the end, and one cut short at the start loses the highest
    /// places: either way the ids of both are among those of the longer one.
    pub(super) fn next(&mut self, stamp: &Stamp<'_>, raw: &str) -> (ImportId, u32) {
        let content = digest(|hash| {
            hash.update(b"diario-import whatsapp message 1\0");
            hash.update(stamp.normalised());
            // WhatsApp adds its mark in more places with every version, and editors drop it.
            raw.split(LRM).for_each(|piece| hash.update(piece));
        });
        let count = self.0.entry(content).or_default();
        let ordinal = *count;
        *count += 1;
        let id = digest(|hash| {
            hash.update(b"diario-import whatsapp id 1\0");
            hash.update(content);
            hash.update(ordinal.to_be_bytes());
        });
        (ImportId(id), ordinal)
    }
}

fn digest(fill: impl FnOnce(&mut Sha256)) -> [u8; 16] {
    let mut hash = Sha256::new();
    fill(&mut hash);
    let whole: [u8; 32] = hash.finalize().into();
    let mut half = [0; 16];
    half.copy_from_slice(&whole[..16]);
    half
}
