//! What a new device shows at once, and what comes when one looks: older messages, a date, the rest in the background.

use std::fmt::Write as _;

use super::browser::{Browser, Kind};
use super::page::{beginning, button, having, link, role};
use super::stage;
use crate::harness::{Home, World};

const MESSAGES: u32 = 1_200;

/// A phone's account with a long chat in it: a message every six hours since the first of January 2024.
fn long_history(world: &World) -> Home {
    let giulia = world.register("giulia");
    let mut chat = String::new();
    let begin = jiff::civil::date(2024, 1, 1).at(6, 0, 0, 0);
    for number in 0..MESSAGES {
        let at = begin.saturating_add(jiff::Span::new().hours(6 * i64::from(number)));
        let who = if number % 3 == 0 { "Giulia" } else { "Papà" };
        writeln!(chat, "{} - {who}: message {number} of many", at.strftime("%d/%m/%Y, %H:%M")).unwrap();
    }
    let file = world.file("chat.txt", &chat);
    let file = file.to_str().unwrap();
    giulia.ok(&[
        "import",
        file,
        "--title",
        "Famiglia",
        "--time-zone",
        "UTC",
        "--date-order",
        "dmy",
        "--timeout",
        "120",
    ]);
    giulia
}

impl Browser {
    /// The numbers of the messages that the open conversation shows, in order.
    fn numbers(&self) -> Vec<u32> {
        let found = self.script(
            "return [...document.querySelectorAll('[role=log] .words')]\
                 .map(w => /^message (\\d+) of/.exec(w.textContent)?.[1]).filter(Boolean).map(Number)",
        );
        let found = found.as_array().cloned().unwrap_or_default();
        found.iter().filter_map(|n| n.as_u64().and_then(|n| u32::try_from(n).ok())).collect()
    }

    /// Scrolls a conversation to the upper end of what is loaded.
    fn scroll_up(&self) {
        self.script("document.querySelector('[role=log]').scrollTop = 0");
    }

    fn scroll_down(&self) {
        self.script("const log = document.querySelector('[role=log]'); log.scrollTop = log.scrollHeight");
    }

    /// The first message that is in sight.
    fn first_seen(&self) -> String {
        let found = self.script(
            "const log = document.querySelector('[role=log]').getBoundingClientRect(); \
             return [...document.querySelectorAll('[role=log] .words')]\
                 .find(w => w.getBoundingClientRect().top >= log.top)?.textContent ?? ''",
        );
        found.as_str().unwrap_or_default().to_owned()
    }

    /// The first line with a day that is in sight.
    fn first_day_seen(&self) -> String {
        let found = self.script(
            "const log = document.querySelector('[role=log]').getBoundingClientRect(); \
             return [...document.querySelectorAll('.day-line')]\
                 .find(d => d.getBoundingClientRect().top >= log.top)?.textContent ?? ''",
        );
        found.as_str().unwrap_or_default().to_owned()
    }

    /// Wants all of the history on this device, and waits until it is.
    fn fetch_all(&self) {
        self.press(&link("Settings"));
        self.press(&role("radio", "Always"));
        self.press(&button("Fetch"));
        self.says("Everything you can read is on this device");
    }

    /// Goes to a date, as year-month-day.
    fn go_to_date(&self, date: &str) {
        self.press(&button("Go to a date"));
        self.find(&button("Go"));
        self.script(&format!(
            "const field = document.querySelector('dialog[open] input[type=date]'); field.value = '{date}'; \
             field.dispatchEvent(new Event('input', {{bubbles: true}}))"
        ));
        self.press(&button("Go"));
    }
}

fn is_gapless(numbers: &[u32]) -> bool {
    numbers.windows(2).all(|pair| pair[0] + 1 == pair[1])
}

#[test]
fn a_new_browser_shows_the_newest_at_once_and_the_first_message_when_one_scrolls() {
    let world = stage::world();
    let giulia = long_history(&world);
    let marco = world.register("marco");
    marco.ok(&["send", "giulia", "ciao"]);
    giulia.ok(&["sync"]);
    let desktop = stage::open(&world, "desktop", &Kind::DESKTOP);
    desktop.link_by_code(&giulia);
    // The phone is off from here on.
    desktop.row_has("marco", "ciao");
    desktop.row_has("Famiglia", &format!("message {} of many", MESSAGES - 1));
    desktop.open("Famiglia");
    desktop.until("the newest are there", || desktop.numbers().last() == Some(&(MESSAGES - 1)));
    let mut before = MESSAGES;
    while before > 0 {
        desktop.scroll_up();
        desktop.until("older ones come", || desktop.numbers().first().is_some_and(|first| *first < before));
        let numbers = desktop.numbers();
        assert!(is_gapless(&numbers), "{numbers:?}");
        before = numbers[0];
    }
    desktop.press(&beginning("button", "To the newest message"));
    desktop.until("the newest are there", || desktop.numbers().last() == Some(&(MESSAGES - 1)));
}

#[test]
fn what_comes_in_above_moves_nothing_that_is_seen() {
    let world = stage::world();
    let giulia = long_history(&world);
    let phone = stage::open(&world, "phone", &Kind::PHONE);
    phone.link_by_code(&giulia);
    phone.open("Famiglia");
    phone.until("the newest page is there", || phone.numbers().len() > 30);
    let before = phone.numbers()[0];
    phone.script("document.querySelector('[role=log]').scrollTop = 700");
    let seen = phone.first_seen();
    phone.until("older ones come", || phone.numbers()[0] < before);
    assert_eq!(phone.first_seen(), seen);
}

#[test]
fn a_date_is_gone_to_and_left_in_both_directions() {
    let world = stage::world();
    let giulia = long_history(&world);
    let desktop = stage::open(&world, "desktop", &Kind::DESKTOP);
    desktop.link_by_code(&giulia);
    // The server knows when it got a message, not when a chat that was imported says that it was said: that is known
    // where it is.
    desktop.fetch_all();
    desktop.open("Famiglia");
    desktop.until("the newest are there", || desktop.numbers().last() == Some(&(MESSAGES - 1)));
    desktop.go_to_date("2024-02-10");
    desktop.until("the day is there", || desktop.first_day_seen().contains("February 10, 2024"));
    let numbers = desktop.numbers();
    assert!(is_gapless(&numbers), "{numbers:?}");
    desktop.scroll_down();
    desktop.until("later ones come", || desktop.numbers().last() > numbers.last());
    for _ in 0..4 {
        desktop.scroll_up();
    }
    desktop.until("the first comes", || {
        desktop.scroll_up();
        desktop.numbers().first() == Some(&0)
    });
    assert!(is_gapless(&desktop.numbers()));
}

#[test]
fn the_rest_is_fetched_when_that_is_wanted_and_told_before_what_it_costs() {
    let world = stage::world();
    let giulia = long_history(&world);
    let desktop = stage::open(&world, "desktop", &Kind::DESKTOP);
    desktop.link_by_code(&giulia);
    desktop.press(&link("Settings"));
    desktop.says("older messages are not on this device yet");
    assert!(
        !desktop.has(&role("radio", "Only over Wi-Fi")),
        "this browser does not tell what it is connected by"
    );
    desktop.press(&role("radio", "Always"));
    desktop.says("will be downloaded");
    desktop.press(&button("Cancel"));
    desktop
        .until("nothing was chosen", || desktop.find(&role("radio", "Never")).property("checked") == "true");
    desktop.press(&role("radio", "Always"));
    desktop.press(&button("Fetch"));
    desktop.says("Everything you can read is on this device");
    desktop.reload();
    desktop.says("Everything you can read is on this device");
    assert_eq!(desktop.find(&role("radio", "Always")).property("checked"), "true");
}

#[test]
fn a_paused_filling_stays_so_until_it_is_resumed() {
    let world = stage::world();
    let giulia = long_history(&world);
    let line = stage::line(&world);
    let desktop = stage::open_over(&line, "desktop", &Kind::DESKTOP);
    desktop.link_by_code(&giulia);
    desktop.press(&link("Settings"));
    desktop.says("older messages are not on this device yet");
    line.cut();
    desktop.until("the page knows", || !desktop.status().starts_with("Connected"));
    desktop.press(&role("radio", "Always"));
    desktop.press(&button("Fetch"));
    desktop.says("Goes on when you are connected.");
    desktop.press(&button("Pause"));
    desktop.says("Paused.");
    line.mend();
    desktop.is_connected();
    desktop.reload();
    desktop.says("Paused.");
    desktop.is_connected();
    assert_eq!(desktop.script("return document.querySelector('progress').value < 50"), true);
    desktop.press(&button("Resume"));
    desktop.says("Everything you can read is on this device");
}

#[test]
fn what_is_not_here_says_so_without_a_network_and_comes_with_it() {
    let world = stage::world();
    let giulia = long_history(&world);
    let line = stage::line(&world);
    let phone = stage::open_over(&line, "phone", &Kind::PHONE);
    phone.link_by_code(&giulia);
    line.cut();
    phone.until("the page knows", || !phone.status().starts_with("Connected"));
    phone.open("Famiglia");
    phone.says("Not on this device yet. It comes when you are connected.");
    assert_eq!(phone.numbers(), [MESSAGES - 1], "the newest came with the list");
    line.mend();
    phone.until("older ones come", || phone.numbers().len() > 30);
    assert!(is_gapless(&phone.numbers()));
    assert_eq!(phone.numbers().last(), Some(&(MESSAGES - 1)));
}

#[test]
fn the_rest_is_fetched_from_the_search_and_what_is_found_grows_by_itself() {
    let world = stage::world();
    let giulia = long_history(&world);
    let line = stage::line(&world);
    let desktop = stage::open_over(&line, "desktop", &Kind::DESKTOP);
    desktop.link_by_code(&giulia);
    desktop.visit("/search");
    let words = role("searchbox", "Find in messages");
    desktop.fill(&words, "\"message 7 of\"");
    desktop.says("Nothing was found.");
    desktop.says("kB, the newest first. You can stop at any time.");
    line.cut();
    desktop.until("the page knows", || !desktop.status().starts_with("Connected"));
    desktop.press(&button("Fetch the rest"));
    desktop.says("Goes on when you are connected.");
    desktop.press(&button("Pause"));
    // What was paused goes on with the same tap that begins.
    desktop.find(&button("Fetch the rest"));
    line.mend();
    desktop.is_connected();
    desktop.press(&button("Fetch the rest"));
    desktop.says("One message");
    desktop.find(&having("link", "message 7 of many"));
    desktop.find_none(&role("region", "History on this device"));
    // It is a setting like any other.
    desktop.press(&link("Settings"));
    desktop.says("Everything you can read is on this device");
    assert_eq!(desktop.find(&role("radio", "Always")).property("checked"), "true");
}
