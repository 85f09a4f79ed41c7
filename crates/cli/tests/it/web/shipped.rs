//! What the server hands out, and that these tests would notice what is wrong with it.

use super::browser::Kind;
use super::page::beginning;
use super::stage;
use crate::harness::World;

#[test]
fn the_program_has_the_app_in_it() {
    stage::dist();
    let world = World::new();
    let browser = stage::open(&world, "desktop", &Kind::DESKTOP);
    browser.find(&beginning("button", "Create an account"));
    browser.find(&beginning("button", "Link this device"));
}

#[test]
fn violations_errors_and_foreign_requests_are_noticed() {
    let world = stage::world();
    let mut browser = stage::open(&world, "desktop", &Kind::DESKTOP);
    browser.find(&beginning("button", "Create an account"));
    browser.check();
    for (wrong, word) in [
        ("console.error('something broke')", "something broke"),
        ("setTimeout(() => { throw new Error('nobody caught this') })", "nobody caught this"),
        ("try { document.body.innerHTML = '<p>' } catch {}", "TrustedHTML"),
        ("const s = document.createElement('script'); s.append('1'); document.body.append(s)", "Trusted"),
        ("await fetch('https://example.org/').catch(() => {})", "Content Security Policy"),
        (
            "document.body.append(Object.assign(new Image(), {src: 'https://example.org/x.png'}))",
            "example.org",
        ),
    ] {
        browser.script(wrong);
        let mut heard = Vec::new();
        browser.until_mut(&format!("{wrong} is noticed"), |browser| {
            heard.extend(browser.complaints());
            heard.iter().any(|line| line.contains(word))
        });
        // The same thing may be said twice, the second time late.
        std::thread::sleep(std::time::Duration::from_millis(200));
        browser.complaints();
    }
}
