//! For everybody: axe-core finds nothing on any page, in any language and theme.

use serde_json::{Value, json};

use super::browser::{Browser, Kind, kept};
use super::page::{beginning, button};
use super::{demo, stage};

impl Browser {
    /// Fails for what axe-core finds.
    fn is_accessible(&self, place: &str) {
        if self.script("return typeof axe") == "undefined" {
            let script = kept().join("npm/node_modules/axe-core/axe.min.js");
            let script = std::fs::read_to_string(script).expect("no axe-core: run `cargo xtask test web`");
            self.cdp("Runtime.evaluate", json!({ "expression": script }));
        }
        let found = self.script(
            "const {violations} = await axe.run(document, {resultTypes: ['violations']}); \
             return violations.map(v => `${v.id}: ${v.help}: ${v.nodes.map(n => n.html.slice(0, 200) + ' — ' \
                 + (n.any[0]?.message ?? n.failureSummary ?? '')).slice(0, 4).join(' | ')}`)",
        );
        assert_eq!(found, Value::Array(Vec::new()), "{}: {place}", self.name());
    }
}

/// Every page, for a browser that is linked.
fn pages(browser: &Browser) -> Vec<(&'static str, String)> {
    let path_of = |row: &str| {
        let path =
            browser.find(&super::page::having("link", row)).call("function() { return this.pathname; }");
        path.unwrap().as_str().unwrap().to_owned()
    };
    let (talk, elena) = (path_of("Gita in montagna"), path_of("elena"));
    vec![
        ("list", "/".into()),
        ("details", format!("{talk}/details")),
        ("conversation", talk),
        ("search", "/search".into()),
        ("safety", format!("{elena}/safety")),
        ("new", "/new".into()),
        ("devices", "/devices".into()),
        ("add", "/devices/add".into()),
        ("settings", "/settings".into()),
        ("recovery", "/settings/recovery".into()),
    ]
}

fn every_page(kind: &Kind, name: &str) {
    let world = stage::world();
    let demo = demo::make(&world);
    let browser = stage::open(&world, name, kind);
    for language in ["en", "it"] {
        for theme in ["light", "dark"] {
            browser.choose(language, theme);
            browser.is_accessible(&format!("welcome, {language}, {theme}"));
        }
    }
    browser.choose("en", "light");
    browser.press(&beginning("button", "Create an account"));
    browser.settles();
    browser.is_accessible("create");
    browser.press(&button("Back"));
    browser.press(&beginning("button", "Link this device"));
    browser.settles();
    browser.is_accessible("link");
    browser.press(&button("Back"));
    browser.press(&beginning("button", "Recover my account"));
    browser.settles();
    browser.is_accessible("recover");
    browser.press(&button("Back"));
    browser.link_by_code(&demo.giulia);
    let pages = pages(&browser);
    for language in ["en", "it"] {
        for theme in ["light", "dark"] {
            browser.choose(language, theme);
            for (page, path) in &pages {
                browser.visit(path);
                browser.is_accessible(&format!("{page}, {language}, {theme}"));
            }
            browser.visit("/");
        }
    }
}

#[test]
fn axe_finds_nothing_on_a_phone() {
    every_page(&Kind::PHONE, "phone");
}

#[test]
fn axe_finds_nothing_on_a_desktop() {
    every_page(&Kind::DESKTOP, "desktop");
}

/// Makes the pictures; `cargo xtask screenshots`.
#[test]
#[ignore = "makes pictures: cargo xtask screenshots"]
fn every_page_is_pictured() {
    let folder = kept().join("../screenshots");
    std::fs::create_dir_all(&folder).unwrap();
    let world = stage::world();
    let demo = demo::make(&world);
    for (name, kind) in [("phone", Kind::PHONE), ("desktop", Kind::DESKTOP)] {
        let browser = stage::open(&world, name, &kind);
        let picture = |page: &str, language: &str, theme: &str| {
            browser.settles();
            let file = folder.join(format!("{page}-{name}-{theme}-{language}.png"));
            std::fs::write(file, browser.picture()).unwrap();
        };
        for language in ["en", "it"] {
            for theme in ["light", "dark"] {
                browser.choose(language, theme);
                picture("welcome", language, theme);
                for (place, page) in [(0, "create"), (1, "link")] {
                    let press = format!("document.querySelectorAll('.way')[{place}].click()");
                    browser.script(&press);
                    browser.settles();
                    std::thread::sleep(std::time::Duration::from_millis(300));
                    picture(page, language, theme);
                    browser.script("document.querySelector('.step-head button').click()");
                }
            }
        }
        browser.choose("en", "light");
        browser.link_by_code(&demo.giulia);
        let pages = pages(&browser);
        for language in ["en", "it"] {
            for theme in ["light", "dark"] {
                browser.choose(language, theme);
                for (page, path) in &pages {
                    browser.visit(path);
                    picture(page, language, theme);
                    if *page == "conversation" {
                        browser.script("document.querySelector('.talk-head [aria-haspopup]').click()");
                        picture("date", language, theme);
                        browser.key("Escape");
                    }
                }
                browser.script("document.getElementById('history-never')?.scrollIntoView({block: 'center'})");
                picture("settings-history", language, theme);
                browser.visit("/");
            }
        }
    }
    println!("pictures are in {}", folder.display());
}
