//! How fast the web app is: figures for the note, not assertions. `cargo xtask webbench`.

mod search;

use std::time::Instant;

use diario_import::fixture::{Locale, generate};
use diario_import::whatsapp::Layout;
use serde_json::Value;

use super::browser::{Browser, Kind};
use super::stage;

const CONVERSATIONS: usize = 1_000;
const MESSAGES: usize = 10_000;

/// Bytes that a first visit downloads.
fn download() -> u64 {
    fn sum(folder: &std::path::Path) -> u64 {
        let entries = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
        entries
            .map(|entry| match entry.path() {
                path if path.is_dir() => sum(&path),
                path if path.extension().is_some_and(|e| e == "br") => entry.metadata().unwrap().len(),
                _ => 0,
            })
            .sum()
    }
    sum(&stage::dist())
}

/// Tasks of the main thread that took longer than 50 ms, from now on.
fn watch_tasks(browser: &Browser) {
    browser.script(
        "window.longest = 0; window.late = 0; \
         new PerformanceObserver(l => { for (const e of l.getEntries()) \
             window.longest = Math.max(window.longest, e.duration); }).observe({type: 'longtask'}); \
         let last = performance.now(); const tick = now => { \
             window.late = Math.max(window.late, now - last); last = now; requestAnimationFrame(tick); }; \
         requestAnimationFrame(tick)",
    );
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or(f64::NAN)
}

#[test]
#[ignore = "measures: cargo xtask webbench"]
fn figures() {
    println!("{:<56} {:>12}", "what", "measured");
    println!("{:<56} {:>9} KiB", "compressed download of a first visit", download() / 1024);

    let world = stage::world();
    let giulia = world.register("giulia");
    let browser = stage::open(&world, "desktop", &Kind::DESKTOP);
    browser.link_by_code(&giulia);

    // Many conversations: groups of one, each with a word in it.
    let follower = giulia.follow();
    for number in 0..CONVERSATIONS {
        let title = format!("Group {number}");
        giulia.ok(&["group", "create", &title]);
        giulia.ok(&["send", &title, "a word"]);
    }
    browser.says(&format!("Group {}", CONVERSATIONS - 1));
    browser.is_connected();
    for round in 1..=3 {
        let begun = Instant::now();
        browser.reload();
        browser.says(&format!("Group {}", CONVERSATIONS - 1));
        let shown = begun.elapsed().as_millis();
        let ready = browser.script(
            "const [nav] = performance.getEntriesByType('navigation'); \
             const paint = performance.getEntriesByName('first-contentful-paint')[0]; \
             return [nav.domContentLoadedEventEnd, paint?.startTime ?? 0]",
        );
        println!(
            "{:<56} {shown:>9} ms",
            format!("reload {round}: list of {CONVERSATIONS} conversations is there")
        );
        println!("{:<56} {:>9.0} ms", format!("reload {round}: first paint"), number(&ready[1]));
    }
    drop(follower);

    // Another device of the account takes in an old chat: it comes in here as fast as it can be sent.
    let chat = generate(7, MESSAGES, Layout::Android, Locale::Italian);
    let file = world.file("chat.txt", &chat.text);
    let file = file.to_str().unwrap();
    for (page, title) in [("the list", "Famiglia"), ("a conversation", "Amici")] {
        if page == "a conversation" {
            browser.open("Famiglia");
        }
        watch_tasks(&browser);
        let begun = Instant::now();
        giulia.ok(&["import", file, "--title", title, "--time-zone", "UTC", "--timeout", "300"]);
        // What was said years ago is far down in the list; this is at its top.
        giulia.ok(&["send", title, "the end"]);
        browser.row_has(title, "the end");
        browser.is_connected();
        let figures = browser.script("return [window.longest, window.late]");
        println!(
            "{:<56} {:>9} ms",
            format!("{MESSAGES} messages come in, on {page}"),
            begun.elapsed().as_millis()
        );
        println!(
            "{:<56} {:>9.0} ms",
            format!("longest task of the main thread, on {page}"),
            number(&figures[0])
        );
        println!(
            "{:<56} {:>9.0} ms",
            format!("longest time between two frames, on {page}"),
            number(&figures[1])
        );
    }
    browser.visit("/settings");
    browser.says(" messages in ");
    let words = browser.words();
    println!("stored: {}", words.lines().find(|line| line.contains(" messages in ")).unwrap_or_default());
}
