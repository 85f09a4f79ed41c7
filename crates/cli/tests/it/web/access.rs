//! For everybody: axe-core finds nothing on any page, in any language and theme.

use serde_json::{Value, json};

use super::browser::{Browser, Kind, kept};
use super::page::{beginning, button, having};
use super::{demo, stage};
use crate::harness::World;

impl Browser {
    /// Where a link leads that has these words.
    fn path_of(&self, words: &str) -> String {
        let path = self.find(&having("link", words)).call("function() { return this.pathname; }");
        path.unwrap().as_str().unwrap().to_owned()
    }

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

const LANGUAGES: [&str; 2] = ["en", "it"];
const THEMES: [&str; 2] = ["light", "dark"];

/// Presses the first thing that a selector finds, whatever the language.
fn click(browser: &Browser, selector: &str) {
    browser.until(selector, || {
        let click = format!("const it = document.querySelector(\"{selector}\"); it?.click(); return !!it");
        browser.script(&click) == true
    });
    browser.settles();
}

/// The steps of a recovery key, in a browser that has made an account; `look` is told what is seen.
fn key_steps(browser: &Browser, mut look: impl FnMut(&str)) {
    browser.visit("/begin");
    look("begin");
    click(browser, ".begin-ways .quiet");
    look("begin-skip");
    click(browser, "dialog[open] button[type=button]");
    click(browser, ".begin-ways .primary");
    browser.until("the words are there", || {
        browser.script("return document.querySelectorAll('.key-words li').length === 24") == true
    });
    browser.settles();
    look("key-words");
    click(browser, ".welcome-body > .primary");
    look("key-asked");
    // Not one of them is right.
    click(browser, "form [type=submit]");
    browser.until("what is wrong is said", || {
        browser.script("return [...document.querySelectorAll('form .error')].some(e => e.innerText)") == true
    });
    look("key-wrong");
}

/// What a search finds, with older parts that are not here.
fn searched(browser: &Browser) {
    browser.visit("/search");
    browser.script(
        "const words = document.querySelector('#find-words'); words.value = 'caffè'; \
         words.dispatchEvent(new Event('input', {bubbles: true}))",
    );
    browser
        .until("something was found", || browser.script("return !!document.querySelector('.hit')") == true);
    browser.settles();
}

/// Scrolls a part of a page into the middle.
fn scroll_to(browser: &Browser, selector: &str) {
    browser.script(&format!(
        "document.querySelector(\"{selector}\")?.scrollIntoView({{block: 'center', behavior: 'instant'}})"
    ));
    browser.settles();
}

/// Every page, for a browser that is linked.
fn pages(browser: &Browser) -> Vec<(&'static str, String)> {
    let (talk, elena) = (browser.path_of("Gita in montagna"), browser.path_of("elena"));
    browser.visit(&format!("{talk}/details"));
    let member = browser.script(
        "return document.querySelector(\".third a[href*='/safety/'], .page a[href*='/safety/']\").pathname",
    );
    browser.visit("/");
    vec![
        ("safety-member", member.as_str().unwrap().to_owned()),
        ("details-direct", format!("{elena}/details")),
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
    for language in LANGUAGES {
        for theme in THEMES {
            browser.choose(language, theme);
            for (page, path) in &pages {
                browser.visit(path);
                browser.is_accessible(&format!("{page}, {language}, {theme}"));
            }
            searched(&browser);
            browser.is_accessible(&format!("search with hits, {language}, {theme}"));
            browser.visit("/");
        }
    }
    let new = stage::open(&world, &format!("{name}-new"), kind);
    new.register("anna");
    for language in LANGUAGES {
        for theme in THEMES {
            new.choose(language, theme);
            key_steps(&new, |step| new.is_accessible(&format!("{step}, {language}, {theme}")));
            new.visit("/");
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
    let world = stage::world_with(&["--set", "sweep_interval_ms=50"]);
    let demo = demo::make(&world);
    for (name, kind) in [("phone", Kind::PHONE), ("desktop", Kind::DESKTOP)] {
        let browser = stage::open(&world, name, &kind);
        let picture = |browser: &Browser, page: &str, language: &str, theme: &str| {
            browser.settles();
            let file = folder.join(format!("{page}-{name}-{theme}-{language}.png"));
            std::fs::write(file, browser.picture()).unwrap();
        };
        let every = || LANGUAGES.into_iter().flat_map(|language| THEMES.map(|theme| (language, theme)));
        for (language, theme) in every() {
            browser.choose(language, theme);
            picture(&browser, "welcome", language, theme);
            for (place, page) in [(1, "create"), (2, "link"), (3, "recover")] {
                click(&browser, &format!(".way:nth-child({place})"));
                std::thread::sleep(std::time::Duration::from_millis(300));
                picture(&browser, page, language, theme);
                click(&browser, ".step-head button");
            }
        }
        browser.choose("en", "light");
        browser.link_by_code(&demo.giulia);
        let pages = pages(&browser);
        for (language, theme) in every() {
            browser.choose(language, theme);
            for (page, path) in &pages {
                browser.visit(path);
                picture(&browser, page, language, theme);
                if *page == "conversation" {
                    click(&browser, ".talk-head [aria-haspopup]");
                    picture(&browser, "date", language, theme);
                    browser.key("Escape");
                }
                if *page == "details" {
                    scroll_to(&browser, "[name=keep]");
                    picture(&browser, "details-keep", language, theme);
                    click(&browser, "label:has([name=keep]):nth-child(3)");
                    picture(&browser, "details-keep-ask", language, theme);
                    browser.key("Escape");
                }
                if *page == "settings" {
                    scroll_to(&browser, "#history-never");
                    picture(&browser, "settings-history", language, theme);
                }
            }
            searched(&browser);
            picture(&browser, "search-hits", language, theme);
            browser.visit("/");
        }
        let new = stage::open(&world, &format!("{name}-new"), &kind);
        new.register(&format!("anna-{name}"));
        for (language, theme) in every() {
            new.choose(language, theme);
            key_steps(&new, |step| picture(&new, step, language, theme));
            new.visit("/settings/recovery");
            picture(&new, "recovery-none", language, theme);
            new.visit("/");
        }
    }
    rare_pictures(&world, &demo, |browser, page| {
        browser.settles();
        std::fs::write(folder.join(format!("rare-{page}.png")), browser.picture()).unwrap();
    });
    println!("pictures are in {}", folder.display());
}

/// What is rare: Marco's name is another account's, and what Elena wrote is no longer kept.
fn rare_pictures(world: &World, demo: &demo::Demo, picture: impl Fn(&Browser, &str)) {
    let looks = [("phone", Kind::PHONE, "light", "it"), ("desktop", Kind::DESKTOP, "dark", "en")];
    let linked = |(name, kind, theme, language): (&str, Kind, &str, &str)| {
        let browser = stage::open(world, &format!("{name}-rare"), &kind);
        browser.link_by_code(&demo.giulia);
        browser.choose(language, theme);
        browser
    };
    // Whoever comes later does not know that the name was another's.
    let before = looks.clone().map(linked);
    let data = world.server.data().to_str().unwrap();
    let released = demo.marco.one(&["release-name", "marco", "--data", data]);
    let anew = world.home("anew");
    anew.ok(&["register", "--username", "marco", "--invite", released["invite"].as_str().unwrap()]);
    anew.ok(&["send", "giulia", "Sono io, con un telefono nuovo"]);
    anew.ok(&["group", "create", "Cena di sabato", "giulia", "sofia"]);
    anew.ok(&["send", "Cena di sabato", "Prenoto io?"]);
    for browser in before {
        let [direct, group] = ["Sono io", "Prenoto io?"].map(|words| browser.path_of(words));
        let name = browser.name();
        picture(&browser, &format!("list-{name}"));
        for (page, path) in [
            ("direct", direct.clone()),
            ("direct-details", format!("{direct}/details")),
            ("direct-safety", format!("{direct}/safety")),
            ("group", group.clone()),
            ("group-details", format!("{group}/details")),
        ] {
            browser.visit(&path);
            picture(&browser, &format!("{page}-{name}"));
        }
    }
    demo.giulia.ok(&["retention", "elena", "delivered"]);
    for home in [&demo.elena, &demo.giulia, &demo.elena, &demo.giulia] {
        home.ok(&["sync"]);
    }
    std::thread::sleep(std::time::Duration::from_secs(1));
    for look in looks {
        let browser = linked(look);
        let elena = browser.path_of("elena");
        browser.visit(&elena);
        picture(&browser, &format!("gone-{}", browser.name()));
    }
}
