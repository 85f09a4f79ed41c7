//! Messages for tests.

use diario_protocol::{AccountId, EntryId, Seq, Timestamp};
use diario_web_api::{Message, MessageState};

/// A message with its own id, sent a minute after the one with the number before.
pub(super) fn message(number: u64, seq: Option<u64>) -> Message {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&number.to_le_bytes());
    Message {
        id: EntryId::new(id),
        seq: seq.map(Seq),
        sender: "ada".to_owned(),
        account: AccountId::new([1; 16]),
        mine: false,
        sent_at: Timestamp(number * 60_000),
        text: format!("message {number}"),
        state: if seq.is_some() { MessageState::Sent } else { MessageState::Pending },
        membership: None,
        reason: String::new(),
    }
}
