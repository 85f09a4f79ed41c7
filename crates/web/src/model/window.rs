//! The part of a conversation that is loaded: bounded, in order, each message once.

use diario_protocol::{EntryId, Seq};
use diario_web_api::{MAX_PAGE, Message, MessageState};

/// Messages that are fetched at a time.
pub const PAGE: u16 = 60;
/// Most messages that are kept; further ones drop out at the far end.
pub const MOST: usize = 300;

/// Which end gives when there are too many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Far {
    /// The oldest go.
    Old,
    /// The newest go.
    New,
}

/// The part of a conversation that is loaded. Messages with a sequence come first, in its order; those that wait
/// to be sent (or failed to) follow in the order in which they were written.
#[derive(Debug, Clone, Default)]
pub struct Window {
    messages: Vec<Message>,
    more_before: bool,
    more_after: bool,
    missing_before: Option<Seq>,
    missing_after: Option<Seq>,
}

impl Window {
    /// A page, and nothing else.
    pub fn of(page: Vec<Message>, more_before: bool, more_after: bool) -> Self {
        let mut window = Self { more_before, more_after, ..Self::default() };
        window.merge(page);
        window
    }

    /// The messages, oldest first.
    pub fn messages(&self) -> &[Message] {
        &self.messages
    }

    /// Whether there are older ones than these.
    pub fn more_before(&self) -> bool {
        self.more_before
    }

    /// Whether there are newer ones than these.
    pub fn more_after(&self) -> bool {
        self.more_after
    }

    /// The sequence before which something is missing on this device, right before these.
    pub fn missing_before(&self) -> Option<Seq> {
        self.missing_before
    }

    /// The sequence after which something is missing on this device, right after these.
    pub fn missing_after(&self) -> Option<Seq> {
        self.missing_after
    }

    /// What is missing on this device right before these.
    pub fn set_missing_before(&mut self, before: Option<Seq>) {
        self.missing_before = before;
    }

    /// What is missing on this device right after these.
    pub fn set_missing_after(&mut self, after: Option<Seq>) {
        self.missing_after = after;
    }

    /// Whether what is missing lies around these, not beside them: only the newest message was told, to be listed.
    pub fn is_preview(&self) -> bool {
        self.missing_before.is_some_and(|before| self.last().is_none_or(|last| before > last))
    }

    /// Which ends grow when a part of the past comes in, both its ends included.
    pub fn grows(&self, first: Seq, last: Seq) -> (bool, bool) {
        let before = self.missing_before.is_some_and(|edge| first < edge && edge <= last.next());
        let after = self.missing_after.is_some_and(|edge| first <= edge.next() && edge < last);
        (before, after)
    }

    /// The lowest sequence here.
    pub fn first(&self) -> Option<Seq> {
        self.messages.first().and_then(|message| message.seq)
    }

    /// The highest sequence here.
    pub fn last(&self) -> Option<Seq> {
        self.messages.iter().rev().find_map(|message| message.seq)
    }

    /// Takes a page of older messages.
    pub fn put_before(&mut self, page: Vec<Message>, more_before: bool) {
        self.merge(page);
        self.more_before = more_before;
        self.trim(Far::New);
    }

    /// Takes a page of newer messages.
    pub fn put_after(&mut self, page: Vec<Message>, more_after: bool) {
        self.merge(page);
        self.more_after = more_after;
        self.trim(Far::Old);
    }

    /// Takes what is new or changed. What belongs to parts that are not loaded is left out: it is there when they
    /// are. Whether anything changed.
    pub fn tell(&mut self, told: Vec<Message>, far: Far) -> bool {
        let (first, last) = (self.first(), self.last());
        let mut belonging = Vec::with_capacity(told.len());
        for message in told {
            if let Some(known) = self.messages.iter().find(|known| known.id == message.id) {
                if *known != message {
                    belonging.push(message);
                }
                continue;
            }
            let here = match message.seq {
                None => !self.more_after,
                Some(seq) => {
                    let above = last.is_none_or(|last| seq > last);
                    let below = first.is_some_and(|first| seq < first);
                    !(above && self.more_after || below && self.more_before)
                }
            };
            if here {
                belonging.push(message);
            }
        }
        if belonging.is_empty() {
            return false;
        }
        self.merge(belonging);
        self.trim(far);
        true
    }

    /// Forgets a message. Whether it was here.
    pub fn gone(&mut self, id: EntryId) -> bool {
        let before = self.messages.len();
        self.messages.retain(|message| message.id != id);
        self.messages.len() != before
    }

    /// Keeps the newest page only: many came at once, and who is at the end sees no more of them.
    pub fn keep_newest(&mut self) {
        let over = self.messages.len().saturating_sub(usize::from(PAGE));
        if over > 0 {
            self.messages.drain(..over);
            (self.more_before, self.missing_before) = (true, None);
        }
    }

    /// Which part of it to ask for anew when what is loaded may be out of date: the messages after a sequence, and how
    /// many; as much as one page holds, around what is seen. `None`: nothing here has a place to go by.
    pub fn part(&self, seen: Option<Seq>) -> Option<(Seq, u16)> {
        let most = usize::from(MAX_PAGE);
        let at =
            seen.and_then(|seen| self.messages.iter().position(|m| m.seq.is_some_and(|seq| seq >= seen)));
        let from = match at {
            Some(at) => at.saturating_sub(most / 2).min(self.messages.len().saturating_sub(most)),
            None => 0,
        };
        let first = self.messages.get(from)?.seq?;
        let count = (self.messages.len() - from).clamp(usize::from(PAGE), most);
        Some((Seq(first.0.saturating_sub(1)), u16::try_from(count).unwrap_or(MAX_PAGE)))
    }

    /// Whether there is a message of somebody else's after a sequence.
    pub fn has_unread(&self, read: Seq) -> bool {
        self.messages.iter().any(|message| is_unread(message, read))
    }

    /// Whether one of these is of somebody else, after a sequence and not here yet.
    pub fn would_be_unread(&self, told: &[Message], read: Seq) -> bool {
        told.iter().any(|new| is_unread(new, read) && !self.messages.iter().any(|known| known.id == new.id))
    }

    fn merge(&mut self, new: Vec<Message>) {
        for message in new {
            match self.messages.iter().position(|known| known.id == message.id) {
                // What is sent once more waits behind all others.
                Some(at) if is_sent_anew(&self.messages[at], &message) => {
                    self.messages.remove(at);
                    self.messages.push(message);
                }
                Some(at) => self.messages[at] = message,
                None => self.messages.push(message),
            }
        }
        // Stable: those without a sequence keep the order in which they came.
        self.messages.sort_by_key(|message| (message.seq.is_none(), message.seq));
    }

    fn trim(&mut self, far: Far) {
        let over = self.messages.len().saturating_sub(MOST);
        if over == 0 {
            return;
        }
        match far {
            Far::Old => {
                self.messages.drain(..over);
                (self.more_before, self.missing_before) = (true, None);
            }
            Far::New => {
                self.messages.truncate(MOST);
                // What waits to be sent goes too: it comes back with the newest page.
                (self.more_after, self.missing_after) = (true, None);
            }
        }
    }
}

fn is_unread(message: &Message, read: Seq) -> bool {
    !message.mine && message.seq.is_some_and(|seq| seq > read)
}

fn is_sent_anew(known: &Message, message: &Message) -> bool {
    known.state == MessageState::Failed && message.state == MessageState::Pending
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::sample;

    fn seqs(window: &Window) -> Vec<Option<u64>> {
        window.messages().iter().map(|message| message.seq.map(|seq| seq.0)).collect()
    }

    fn page(range: std::ops::Range<u64>) -> Vec<Message> {
        range.map(|seq| sample::message(seq, Some(seq))).collect()
    }

    #[test]
    fn pages_join_without_repeating() {
        let mut window = Window::of(page(10..20), true, false);
        window.put_before(page(5..12), true);
        assert_eq!(seqs(&window), (5..20).map(Some).collect::<Vec<_>>());
        window.put_before(page(1..5), false);
        assert_eq!(window.first(), Some(Seq(1)));
        assert!(!window.more_before());
    }

    #[test]
    fn what_waits_comes_last_and_takes_its_place_when_sent() {
        let mut window = Window::of(page(1..3), false, false);
        assert!(window.tell(vec![sample::message(91, None), sample::message(90, None)], Far::Old));
        assert!(window.tell(vec![sample::message(3, Some(3))], Far::Old));
        assert_eq!(seqs(&window), [Some(1), Some(2), Some(3), None, None]);
        assert_eq!(window.messages()[3].id, sample::message(91, None).id, "in the order of writing");
        assert!(window.tell(vec![sample::message(90, Some(4))], Far::Old));
        assert_eq!(seqs(&window), [Some(1), Some(2), Some(3), Some(4), None]);
        assert!(!window.tell(vec![sample::message(90, Some(4))], Far::Old), "told twice changes nothing");
    }

    #[test]
    fn what_is_not_loaded_is_not_shown_out_of_place() {
        let mut window = Window::of(page(100..160), true, true);
        assert!(!window.tell(vec![sample::message(900, Some(900)), sample::message(901, None)], Far::Old));
        assert!(!window.tell(vec![sample::message(3, Some(3))], Far::Old));
        assert!(window.tell(vec![sample::message(777, Some(120))], Far::Old), "in the middle it belongs");
        assert_eq!(window.messages().len(), 61);
    }

    #[test]
    fn it_stays_bounded_at_either_end() {
        let mut window = Window::of(page(1000..1060), true, false);
        let mut first = 1000;
        for _ in 0..10 {
            window.put_before(page(first - 60..first), true);
            first -= 60;
        }
        assert_eq!(window.messages().len(), MOST);
        assert_eq!(window.first(), Some(Seq(first)));
        assert!(window.more_after(), "the newest dropped out");
        let mut last = window.last().map_or(0, |seq| seq.0);
        while last < 1059 {
            window.put_after(page(last + 1..(last + 61).min(1060)), last + 61 < 1060);
            last = window.last().map_or(0, |seq| seq.0);
        }
        assert_eq!(window.messages().len(), MOST);
        assert!(!window.more_after());
        assert!(window.more_before());
        assert!(window.tell(page(1060..1070), Far::Old));
        assert_eq!((window.messages().len(), window.last()), (MOST, Some(Seq(1069))));
    }

    #[test]
    fn a_flood_leaves_the_newest_page() {
        let mut window = Window::of(page(1..100), false, false);
        assert!(window.tell(page(100..290), Far::Old));
        window.keep_newest();
        assert_eq!((window.messages().len(), window.last()), (60, Some(Seq(289))));
        assert!(window.more_before() && !window.more_after());
    }

    #[test]
    fn what_is_discarded_is_gone() {
        let mut window = Window::of(page(1..4), false, false);
        assert!(window.gone(sample::message(2, None).id));
        assert!(!window.gone(sample::message(2, None).id));
        assert_eq!(seqs(&window), [Some(1), Some(3)]);
    }

    #[test]
    fn what_is_sent_once_more_waits_behind_the_others() {
        let mut failed = sample::message(2, None);
        failed.state = MessageState::Failed;
        let mut window = Window::of(page(1..2), false, false);
        assert!(window.tell(vec![failed, sample::message(3, None)], Far::Old));
        assert!(window.tell(vec![sample::message(2, None)], Far::Old));
        let ids: Vec<_> = window.messages().iter().map(|message| message.id).collect();
        assert_eq!(ids, [1, 3, 2].map(|number| sample::message(number, None).id));
    }

    #[test]
    fn the_part_that_is_seen_is_asked_for_anew() {
        let small = Window::of(page(5..8), true, false);
        assert_eq!(small.part(Some(Seq(6))), Some((Seq(4), PAGE)));
        let mut large = Window::of(page(1000..1060), true, true);
        for end in (0..4).map(|n| 1000 - n * 60) {
            large.put_before(page(end - 60..end), true);
        }
        assert_eq!((large.messages().len(), large.first()), (300, Some(Seq(760))));
        assert_eq!(large.part(Some(Seq(760))), Some((Seq(759), MAX_PAGE)));
        assert_eq!(large.part(Some(Seq(900))), Some((Seq(799), MAX_PAGE)));
        assert_eq!(large.part(Some(Seq(1059))), Some((Seq(859), MAX_PAGE)));
        assert_eq!(large.part(None), Some((Seq(759), MAX_PAGE)));
        assert_eq!(Window::of(vec![sample::message(1, None)], false, false).part(None), None);
        assert_eq!(Window::default().part(None), None);
    }

    #[test]
    fn what_is_unread_is_of_others_and_new() {
        let window = Window::of(page(1..4), false, false);
        assert!(window.has_unread(Seq(2)) && !window.has_unread(Seq(3)));
        assert!(!window.would_be_unread(&page(1..4), Seq(0)), "they are here");
        assert!(window.would_be_unread(&page(3..5), Seq(3)));
        let mut own = sample::message(9, Some(9));
        own.mine = true;
        assert!(!window.would_be_unread(&[own, sample::message(10, None)], Seq(3)));
    }

    #[test]
    fn what_is_missing_beside_it_is_known_until_it_drops_out() {
        let mut window = Window::of(page(200..260), true, true);
        window.set_missing_before(Some(Seq(200)));
        window.set_missing_after(Some(Seq(259)));
        assert!(!window.is_preview());
        assert_eq!(window.grows(Seq(100), Seq(199)), (true, false));
        assert_eq!(window.grows(Seq(260), Seq(300)), (false, true));
        assert_eq!(window.grows(Seq(100), Seq(150)), (false, false), "not beside it");
        assert_eq!(window.grows(Seq(400), Seq(450)), (false, false));
        window.put_before(page(1..200), false);
        window.put_after(page(260..320), true);
        assert_eq!(window.messages().len(), MOST);
        assert_eq!(window.missing_before(), None, "those that dropped out are here");
        let mut newest = Window::of(page(500..501), true, false);
        newest.set_missing_before(Some(Seq(501)));
        assert!(newest.is_preview());
        assert_eq!(newest.grows(Seq(401), Seq(500)), (true, false));
    }

    #[test]
    fn an_empty_conversation_takes_its_first_message() {
        let mut window = Window::of(Vec::new(), false, false);
        assert!(window.tell(vec![sample::message(1, None)], Far::Old));
        assert!(window.tell(vec![sample::message(2, Some(1))], Far::Old));
        assert_eq!(seqs(&window), [Some(1), None]);
    }
}
