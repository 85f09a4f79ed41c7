//! What counts as read, and what is not lost: who looks away, what covers a conversation, what cannot be sent.

use super::browser::{Browser, Kind};
use super::page::{beginning, button, field};
use super::stage;
use crate::harness::{Home, until};

impl Browser {
    /// From now on the window has the focus, or another one has it.
    fn is_in_front(&self, front: bool) {
        let event = if front { "focus" } else { "blur" };
        self.script(&format!(
            "document.hasFocus = () => {front}; window.dispatchEvent(new Event('{event}'))"
        ));
    }

    /// Whether the line above the unread ones is seen.
    fn line_is_seen(&self) -> bool {
        self.script(
            "const line = document.querySelector('.unread-line')?.getBoundingClientRect(); \
             const log = document.querySelector('.log').getBoundingClientRect(); \
             return !!line && line.top >= log.top && line.bottom <= log.bottom",
        ) == true
    }
}

/// Whether the reader of a message was told to its sender.
fn is_read(sender: &Home, with: &str, text: &str) -> bool {
    sender.ok(&["sync"]);
    sender.ok(&["history", with]).iter().any(|m| m["text"] == text && m["state"] == "read")
}

#[test]
fn what_comes_while_nobody_looks_stays_unread_below_a_line() {
    let world = stage::world();
    let marco = world.register("marco");
    let desktop = stage::open(&world, "desktop", &Kind::DESKTOP);
    desktop.register("giulia");
    desktop.write_to("marco");
    for number in 0..12 {
        desktop.say(&format!("before {number}\nof all that"));
    }
    desktop.tick_is("Sent");
    desktop.is_in_front(false);
    for number in 0..30 {
        marco.ok(&["send", "giulia", &format!("unseen {number}\nand more of it")]);
    }
    desktop.row_has("marco", "30 unread messages");
    desktop.until("the line is in sight", || desktop.line_is_seen());
    assert!(!is_read(&marco, "giulia", "unseen 0\nand more of it"));
    desktop.is_in_front(true);
    until("what is seen is read", || is_read(&marco, "giulia", "unseen 0\nand more of it"));
    assert!(desktop.line_is_seen());
    assert!(!is_read(&marco, "giulia", "unseen 29\nand more of it"), "it is below");
    desktop.press(&beginning("button", "To the newest message"));
    desktop.row_lacks("marco", "unread");
}

#[test]
fn what_the_details_cover_is_not_read() {
    let world = stage::world();
    let marco = world.register("marco");
    let phone = stage::open(&world, "phone", &Kind::PHONE);
    phone.register("giulia");
    phone.write_to("marco");
    phone.say("ciao");
    phone.tick_is("Sent");
    phone.press(&button("Details"));
    phone.find_none(&field("Message to marco"));
    marco.ok(&["send", "giulia", "under the details"]);
    let unread = "return document.title";
    phone.until("it is counted", || phone.script(unread).as_str().is_some_and(|t| t.starts_with("(1)")));
    assert!(!is_read(&marco, "giulia", "under the details"));
    phone.back();
    until("it is read when it is seen", || is_read(&marco, "giulia", "under the details"));
}

#[test]
fn what_cannot_be_sent_is_in_the_box_again() {
    let world = stage::world();
    world.register("marco");
    let desktop = stage::open(&world, "desktop", &Kind::DESKTOP);
    desktop.register("giulia");
    desktop.write_to("marco");
    let long = "very long ".repeat(40_000);
    let composer = field("Message to marco");
    desktop.fill(&composer, &long);
    desktop.press(&button("Send"));
    desktop.until("the text is back", || desktop.find(&composer).value().trim() == long.trim());
    desktop.fill(&composer, "short");
    desktop.press(&button("Send"));
    desktop.log_has("short");
    desktop.tick_is("Sent");
    assert_eq!(desktop.find(&composer).value(), "");
}

#[test]
fn what_was_missed_in_a_tunnel_is_read_from_its_beginning() {
    let world = stage::world();
    let line = stage::line(&world);
    let (marco, phone) = stage::writing_over(&world, &line);
    for number in 0..8 {
        phone.say(&format!("before {number}\nof all that"));
    }
    phone.tick_is("Sent");
    line.cut();
    phone.until("the page knows", || !phone.status().starts_with("Connected"));
    for number in 0..40 {
        marco.ok(&["send", "giulia", &format!("missed {number}\nand more of it")]);
    }
    line.mend();
    phone.log_has("missed 0");
    phone.is_connected();
    phone.until("the line is in sight", || phone.line_is_seen());
    until("what is seen is read", || is_read(&marco, "giulia", "missed 0\nand more of it"));
    assert!(phone.line_is_seen());
    assert!(!is_read(&marco, "giulia", "missed 39\nand more of it"), "it is below");
    phone.press(&beginning("button", "To the newest message"));
    until("all is read", || is_read(&marco, "giulia", "missed 39\nand more of it"));
}

#[test]
fn a_hidden_tab_reads_nothing() {
    let world = stage::world();
    let marco = world.register("marco");
    let desktop = stage::open(&world, "desktop", &Kind::DESKTOP);
    desktop.register("giulia");
    desktop.write_to("marco");
    for number in 0..12 {
        desktop.say(&format!("before {number}\nof all that"));
    }
    desktop.tick_is("Sent");
    // A headless browser shows all its tabs: what one that is hidden does is put in its place. It paints no frames.
    desktop.script(
        "window.frames_due = []; window.paint = window.requestAnimationFrame; \
         window.requestAnimationFrame = (frame) => window.frames_due.push(frame); \
         Object.defineProperty(document, 'visibilityState', {value: 'hidden', configurable: true}); \
         document.dispatchEvent(new Event('visibilitychange', {bubbles: true}))",
    );
    for number in 0..30 {
        marco.ok(&["send", "giulia", &format!("unseen {number}\nand more of it")]);
    }
    let title = "return document.title";
    desktop.until("all came", || desktop.script(title).as_str().is_some_and(|t| t.starts_with("(30)")));
    assert!(!is_read(&marco, "giulia", "unseen 0\nand more of it"));
    desktop.script(
        "delete document.visibilityState; window.requestAnimationFrame = window.paint; \
         document.dispatchEvent(new Event('visibilitychange', {bubbles: true})); \
         window.dispatchEvent(new Event('focus')); \
         window.frames_due.forEach((frame) => window.requestAnimationFrame(frame))",
    );
    desktop.until("the line is in sight", || desktop.line_is_seen());
    until("what is seen is read", || is_read(&marco, "giulia", "unseen 0\nand more of it"));
    assert!(desktop.line_is_seen());
    assert!(!is_read(&marco, "giulia", "unseen 29\nand more of it"), "it is below");
}
