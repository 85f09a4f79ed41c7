//! How the messages that are loaded are laid out: runs of one sender, days, and where the unread ones begin.

use diario_protocol::{EntryId, Seq, Timestamp};
use diario_web_api::{Message, MessageState};

/// Messages of one sender further apart than this begin a new run.
const RUN_MS: u64 = 5 * 60_000;

/// What makes an item the same one after a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Key {
    /// A day, by its number.
    Day(i64),
    /// Where the unread ones begin.
    Unread,
    /// A message.
    Message(EntryId),
}

/// One thing in the log.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    /// A day begins; any time of it.
    Day(Timestamp),
    /// The unread ones begin.
    Unread,
    /// A message, and its place in the run of its sender.
    Message {
        /// It.
        message: Message,
        /// Whether it begins a run.
        first: bool,
        /// Whether it ends a run.
        last: bool,
    },
}

/// Lays messages out. `day_of` gives the number of the local day of a time; `read` is how far one had read when
/// the conversation was opened, if there was something unread.
pub fn lay_out(
    messages: &[Message],
    read: Option<Seq>,
    day_of: impl Fn(Timestamp) -> i64,
) -> Vec<(Key, Item)> {
    let mut items: Vec<(Key, Item)> = Vec::with_capacity(messages.len() + 8);
    let mut day = i64::MIN;
    let mut unread_shown = false;
    for (at, message) in messages.iter().enumerate() {
        let mut apart = at == 0;
        // Senders' clocks differ: a day that was left does not begin again.
        let its_day = day_of(message.sent_at);
        if its_day > day {
            day = its_day;
            items.push((Key::Day(day), Item::Day(message.sent_at)));
            apart = true;
        }
        let unread = read.is_some_and(|read| message.seq.is_some_and(|seq| seq > read)) && !message.mine;
        if unread && !unread_shown {
            unread_shown = true;
            items.push((Key::Unread, Item::Unread));
            apart = true;
        }
        let first = apart || !one_run(&messages[at - 1], message);
        if first && let Some((_, Item::Message { last, .. })) = before(&mut items) {
            *last = true;
        }
        items
            .push((Key::Message(message.id), Item::Message { message: message.clone(), first, last: false }));
    }
    if let Some((_, Item::Message { last, .. })) = items.last_mut() {
        *last = true;
    }
    items
}

/// The last message that was laid out.
fn before(items: &mut [(Key, Item)]) -> Option<&mut (Key, Item)> {
    items.iter_mut().rev().find(|(_, item)| matches!(item, Item::Message { .. }))
}

fn one_run(a: &Message, b: &Message) -> bool {
    // Imported messages of many people come from one account.
    a.account == b.account
        && a.sender == b.sender
        && a.membership.is_none()
        && b.membership.is_none()
        && a.sent_at.0.abs_diff(b.sent_at.0) <= RUN_MS
        && a.state != MessageState::Failed
}

/// How a message's tick looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tick {
    /// Waits to be sent.
    Clock,
    /// On the server.
    Sent,
    /// On a device of everybody else.
    Delivered,
    /// Read by everybody else.
    Read,
    /// Was not sent.
    Failed,
}

/// The tick of an own message.
pub fn tick(state: MessageState, seq: Option<Seq>, markers: diario_web_api::Markers) -> Tick {
    match (state, seq) {
        (MessageState::Failed | MessageState::Refused, _) => Tick::Failed,
        (MessageState::Pending, _) | (_, None) => Tick::Clock,
        (_, Some(seq)) if seq <= markers.read_by_all => Tick::Read,
        (_, Some(seq)) if seq <= markers.delivered_to_all => Tick::Delivered,
        _ => Tick::Sent,
    }
}

#[cfg(test)]
mod tests {
    use diario_protocol::AccountId;
    use diario_web_api::Markers;

    use super::*;
    use crate::model::sample;

    /// Letters: d a day, u unread, and for messages: ( begins a run, ) ends one, o both, . neither.
    fn drawn(messages: &[Message], read: Option<u64>) -> String {
        lay_out(messages, read.map(Seq), |at| i64::try_from(at.0 / 86_400_000).unwrap_or(0))
            .iter()
            .map(|(_, item)| match item {
                Item::Day(_) => 'd',
                Item::Unread => 'u',
                Item::Message { first: true, last: true, .. } => 'o',
                Item::Message { first: true, .. } => '(',
                Item::Message { last: true, .. } => ')',
                Item::Message { .. } => '.',
            })
            .collect()
    }

    #[test]
    fn a_run_is_of_one_sender_within_minutes() {
        let mut all: Vec<_> = (1..=6).map(|n| sample::message(n, Some(n))).collect();
        assert_eq!(drawn(&all, None), "d(....)");
        all[2].account = AccountId::new([2; 16]);
        assert_eq!(drawn(&all, None), "d()o(.)");
        all[5].sent_at = Timestamp(60 * 60_000);
        assert_eq!(drawn(&all, None), "d()o()o");
    }

    #[test]
    fn days_begin_once_even_if_clocks_differ() {
        let mut all: Vec<_> = (1..=4).map(|n| sample::message(n, Some(n))).collect();
        all[1].sent_at = Timestamp(86_400_000 + 5);
        assert_eq!(drawn(&all, None), "dodo()");
        let keys: Vec<_> = lay_out(&all, None, |at| i64::try_from(at.0 / 86_400_000).unwrap_or(0))
            .into_iter()
            .map(|(key, _)| key)
            .collect();
        let unique: std::collections::HashSet<_> = keys.iter().collect();
        assert_eq!(unique.len(), keys.len());
    }

    #[test]
    fn the_first_unread_one_of_others_is_marked_once() {
        let mut all: Vec<_> = (1..=5).map(|n| sample::message(n, Some(n))).collect();
        assert_eq!(drawn(&all, Some(2)), "d()u(.)");
        all[2].mine = true;
        assert_eq!(drawn(&all, Some(2)), "d(.)u()");
        assert_eq!(drawn(&all, Some(9)), "d(...)");
        assert_eq!(drawn(&[], Some(0)), "");
    }

    #[test]
    fn ticks_tell_how_far_it_has_come() {
        let markers = Markers { delivered_to_all: Seq(5), read_by_all: Seq(3), read_here: Seq(0) };
        let sent = |seq| tick(MessageState::Sent, Some(Seq(seq)), markers);
        assert_eq!([sent(3), sent(5), sent(6)], [Tick::Read, Tick::Delivered, Tick::Sent]);
        assert_eq!(tick(MessageState::Pending, None, markers), Tick::Clock);
        assert_eq!(tick(MessageState::Failed, None, markers), Tick::Failed);
    }
}
