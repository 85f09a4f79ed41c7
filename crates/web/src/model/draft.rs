//! What is being written in a conversation: in the box here, and as the engine keeps it.
//!
//! The engine tells every change of a draft, those made here too. An answer comes before the telling of what was
//! asked, and a telling that comes before the last answer may be older than what was asked: so nothing that is told
//! counts while an answer is awaited, and what was asked for counts as told.

/// What the engine has of a draft, as far as known here.
#[derive(Debug, Clone, Default)]
pub struct Kept {
    text: String,
    /// Asks that change the draft and are not answered yet.
    under_way: u32,
}

impl Kept {
    /// The engine keeps this.
    pub fn new(text: String) -> Self {
        Self { text, under_way: 0 }
    }

    /// What to ask the engine to keep, if it is not what it keeps.
    pub fn keep(&mut self, in_box: &str) -> Option<String> {
        let text = if in_box.trim().is_empty() { "" } else { in_box };
        if self.text == text {
            return None;
        }
        text.clone_into(&mut self.text);
        self.under_way += 1;
        Some(self.text.clone())
    }

    /// What was written is sent; with it the engine forgets the draft.
    pub fn send(&mut self) {
        self.text.clear();
        self.under_way += 1;
    }

    /// An ask was answered. `told` is what was told last: if the last ask was refused, the engine has that still.
    pub fn answered(&mut self, done: bool, told: &str) {
        self.under_way = self.under_way.saturating_sub(1);
        if !done && self.under_way == 0 {
            told.clone_into(&mut self.text);
        }
    }

    /// The engine told what it keeps, written here, by another tab or on another device. What the box is to hold, if
    /// it is to change: what is being written here is not lost to what comes.
    pub fn told(&mut self, told: &str, in_box: &str) -> Option<String> {
        if self.under_way > 0 || self.text == told {
            return None;
        }
        let untouched = in_box.is_empty() || in_box == self.text;
        told.clone_into(&mut self.text);
        (untouched && in_box != told).then(|| told.to_owned())
    }
}

/// What stands in a box after what it held could not be sent: that, before what is there by now.
pub fn given_back(failed: &str, there: &str) -> String {
    if failed.starts_with(there.trim()) {
        failed.to_owned()
    } else if there.starts_with(failed) {
        there.to_owned()
    } else {
        format!("{failed}\n{there}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_echoes_do_not_come_back_into_the_box() {
        let mut kept = Kept::new(String::new());
        assert_eq!(kept.keep("hello").as_deref(), Some("hello"));
        assert_eq!(kept.keep("hello"), None, "it is kept");
        kept.answered(true, "");
        // It is sent before the draft was told.
        kept.send();
        assert_eq!(kept.told("hello", ""), None, "what was sent stays sent");
        kept.answered(true, "hello");
        assert_eq!(kept.told("", ""), None);
        assert_eq!(kept.told("from the phone", ""), Some("from the phone".to_owned()));
    }

    #[test]
    fn an_older_echo_takes_nothing_back() {
        let mut kept = Kept::new(String::new());
        assert!(kept.keep("one").is_some());
        assert!(kept.keep("one two").is_some());
        kept.answered(true, "");
        assert_eq!(kept.told("one", "one two"), None);
        kept.answered(true, "one");
        assert_eq!(kept.told("one two", "one two"), None);
    }

    #[test]
    fn what_another_device_wrote_is_taken_over_unless_something_is_written_here() {
        let mut kept = Kept::new("here".to_owned());
        assert_eq!(kept.told("there", "here"), Some("there".to_owned()));
        assert_eq!(kept.told("elsewhere", "there and more"), None);
        assert!(kept.keep("there and more").is_some(), "the last one to write wins");
    }

    #[test]
    fn what_was_refused_is_asked_again() {
        let mut kept = Kept::new("old".to_owned());
        assert!(kept.keep("new").is_some());
        kept.answered(false, "old");
        assert_eq!(kept.keep("new").as_deref(), Some("new"));
        assert_eq!(kept.keep(" \n").as_deref(), Some(""), "blanks are nothing");
    }

    #[test]
    fn what_could_not_be_sent_stands_first() {
        assert_eq!(given_back("hello you", ""), "hello you");
        assert_eq!(given_back("hello you", "hello"), "hello you", "an older draft of it");
        assert_eq!(given_back("hello", "hello you"), "hello you");
        assert_eq!(given_back("hello", "and then"), "hello\nand then");
    }
}
