//! What the server sent and the engine has not taken yet, in the browser's driver; without a browser.

use std::collections::VecDeque;

/// Frames that are taken in one transaction.
const BATCH: usize = 256;
/// About how many bytes of them: whoever asks something meanwhile waits for this long.
const BATCH_BYTES: usize = 256 * 1024;
/// The most that waits here. A WebSocket of the browser's cannot be held back: it gives what comes as it comes.
const FULL_BYTES: usize = 32 * 1024 * 1024;

/// Frames in the order in which they came.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    frames: VecDeque<Vec<u8>>,
    bytes: usize,
}

impl Inbox {
    /// Keeps a frame; says whether it is full, and the connection is to be let go.
    pub(crate) fn put(&mut self, frame: Vec<u8>) -> bool {
        self.bytes += frame.len();
        self.frames.push_back(frame);
        self.bytes > FULL_BYTES
    }

    /// The oldest ones, as many as are taken at once.
    pub(crate) fn batch(&mut self) -> Vec<Vec<u8>> {
        let mut bytes = 0;
        let mut batch = Vec::new();
        while batch.len() < BATCH
            && bytes < BATCH_BYTES
            && let Some(frame) = self.frames.pop_front()
        {
            bytes += frame.len();
            batch.push(frame);
        }
        self.bytes -= bytes;
        batch
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// Forgets what was not taken.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_taken_in_their_order_in_small_parts() {
        let mut inbox = Inbox::default();
        for at in 0..300_u16 {
            assert!(!inbox.put(at.to_be_bytes().to_vec()));
        }
        let first = inbox.batch();
        assert_eq!((first.len(), &first[255]), (BATCH, &255_u16.to_be_bytes().to_vec()));
        assert_eq!(inbox.batch().len(), 44);
        assert!(inbox.is_empty() && inbox.batch().is_empty());
        for _ in 0..4 {
            inbox.put(vec![0; BATCH_BYTES / 2]);
        }
        assert_eq!(inbox.batch().len(), 2);
    }

    #[test]
    fn too_much_is_told_until_it_was_taken() {
        let mut inbox = Inbox::default();
        assert!(!inbox.put(vec![0; FULL_BYTES]));
        assert!(inbox.put(vec![0; 1]));
        assert_eq!(inbox.batch().len(), 1, "a large one stands alone");
        assert!(!inbox.put(vec![0; 1]));
        inbox.clear();
        assert!(inbox.is_empty());
        assert!(!inbox.put(vec![0; FULL_BYTES]));
    }
}
