//! How fast messages are found in a browser that has many.

use std::fmt::Write;
use std::thread::sleep;
use std::time::{Duration, Instant};

use diario_import::fixture::{FREQUENT, Language, SEARCHES};
use serde_json::Value;

use super::number;
use crate::web::browser::{Browser, Kind};
use crate::web::page::{button, link, role};
use crate::web::stage;

/// Messages, and conversations that they are in.
const MESSAGES: usize = 100_000;
const CHATS: usize = 4;
/// Words of the language.
const WORDS: usize = 30_000;
/// Searches of each kind.
const TIMES: usize = 40;

/// A chat as WhatsApp for Android exports it: 72 messages a day, in months of 28 days.
fn chat(language: &mut Language, messages: usize) -> String {
    let mut text = String::new();
    for message in 0..messages {
        let (day, minute) = (message / 72, message % 72 * 20);
        let (year, month, day) = (20 + day / 28 / 12, day / 28 % 12 + 1, day % 28 + 1);
        let (hour, minute) = (minute / 60, minute % 60);
        let who = ["Anna", "Marco", "Sofia"][message % 3];
        let words = language.text();
        writeln!(text, "{day:02}/{month:02}/{year}, {hour:02}:{minute:02} - {who}: {words}").unwrap();
    }
    text
}

/// Milliseconds from when the page asks until what was found is drawn; what was found before must be another.
fn search(browser: &Browser, words: &str) -> f64 {
    let words = Value::from(words);
    number(&browser.script(&format!(
        "const real = MessagePort.prototype.postMessage; let asked = null; \
         MessagePort.prototype.postMessage = function (...what) {{ \
             asked ??= performance.now(); return real.apply(this, what); }}; \
         return await new Promise(done => {{ \
             const drawn = new MutationObserver(() => {{ \
                 if (asked === null) return; \
                 drawn.disconnect(); MessagePort.prototype.postMessage = real; \
                 requestAnimationFrame(() => done(performance.now() - asked)); }}); \
             drawn.observe(document.querySelector('.page-scroll'), \
                 {{childList: true, subtree: true, characterData: true}}); \
             const input = document.querySelector('#find-words'); \
             input.value = {words}; input.dispatchEvent(new Event('input', {{bubbles: true}})); }})"
    )))
}

/// Waits as long as it takes, which is reported.
fn took(browser: &Browser, what: &str, is_done: fn(&str) -> bool) {
    let begun = Instant::now();
    while !is_done(&browser.words()) {
        sleep(Duration::from_millis(200));
    }
    println!("{what:<56} {:>9.1} s", begun.elapsed().as_secs_f64());
}

#[test]
#[ignore = "measures: cargo xtask webbench"]
fn figures() {
    let world = stage::world();
    let giulia = world.register("giulia");
    let mut language = Language::new(7, WORDS);
    for number in 1..=CHATS {
        let file = world.file("chat.txt", &chat(&mut language, MESSAGES / CHATS));
        let title = format!("Chat {number}");
        let args = ["--title", &title, "--time-zone", "UTC", "--timeout", "600"];
        giulia.ok(&[&["import", file.to_str().unwrap()], &args[..]].concat());
    }
    let browser = stage::open(&world, "desktop", &Kind::DESKTOP);
    browser.link_by_code(&giulia);
    browser.press(&link("Settings"));
    browser.press(&role("radio", "Always"));
    browser.press(&button("Fetch"));
    took(&browser, &format!("{MESSAGES} messages of the past are fetched"), |words| {
        words.contains("Everything you can read is on this device")
    });
    browser.visit("/search");
    browser.fill(&role("searchbox", "Find in messages"), language.word(0..1));
    took(&browser, "and each of them can be found", |words| {
        words.contains("The 40 newest") && !words.contains("being made ready")
    });
    for (kind, make) in SEARCHES {
        let mut times: Vec<f64> = (0..TIMES)
            .map(|_| {
                search(&browser, language.word(FREQUENT..FREQUENT + 1));
                search(&browser, &make(&mut language))
            })
            .collect();
        times.sort_by(f64::total_cmp);
        let (half, most) = (times[TIMES / 2], times[TIMES - 1]);
        println!("{:<56} {half:>9.1} ms, at most {most:.1} ms", format!("search: {kind}"));
    }
}
