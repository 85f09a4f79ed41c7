//! Finding messages, and saving a conversation as a file.

use serde_json::json;
use tempfile::TempDir;

use super::browser::{Browser, Kind};
use super::page::{any, beginning, button, field, having, link, role};
use super::{demo, stage};
use crate::harness::{World, until};

impl Browser {
    /// Has the rest of the history fetched from the search.
    fn fetches_the_rest(&self) {
        self.says("the newest first. You can stop at any time.");
        self.press(&button("Fetch the rest"));
        self.find_none(&button("Fetch the rest"));
    }
}

/// A browser with the believable world, and the folder where it puts what it is given to save.
fn saving(world: &World) -> (Browser, TempDir) {
    let demo = demo::make(world);
    let desktop = stage::open(world, "desktop", &Kind::DESKTOP);
    desktop.link_by_code(&demo.giulia);
    let folder = tempfile::tempdir().unwrap();
    let to = json!({ "behavior": "allow", "downloadPath": folder.path() });
    desktop.cdp("Browser.setDownloadBehavior", to);
    (desktop, folder)
}

#[test]
fn a_message_is_found_and_opens_where_it_was_said() {
    let world = stage::world();
    let demo = demo::make(&world);
    let desktop = stage::open(&world, "desktop", &Kind::DESKTOP);
    desktop.link_by_code(&demo.giulia);
    for number in 0..70 {
        demo.marco.ok(&["send", "--queue", "giulia", &format!("and then {number}")]);
    }
    demo.marco.ok(&["sync"]);
    desktop.row_has("marco", "and then 69");

    // From the list: what is typed there is looked for in messages, too.
    desktop.fill(&role("searchbox", "Search conversations"), "chiavi");
    desktop.key("Enter");
    desktop.find(&role("heading", "Find in messages"));
    desktop.fetches_the_rest();
    desktop.says("One message");
    let hit = desktop.find(&having("link", "Hai tu le chiavi"));
    assert!(hit.name.contains("marco"), "{}", hit.name);
    let marked = desktop.script("return [...document.querySelectorAll('.hit mark')].map(m => m.textContent)");
    assert_eq!(marked, json!(["chiavi"]));
    desktop.press(&having("link", "Hai tu le chiavi"));
    desktop.log_has("Hai tu le chiavi");
    let seen = "const found = document.querySelector('.message.found'); \
                const log = document.querySelector('.log').getBoundingClientRect(); \
                const at = found?.getBoundingClientRect(); \
                return !!at && at.top >= log.top && at.bottom <= log.bottom \
                    && found.textContent.includes('Hai tu le chiavi') && document.activeElement === found";
    desktop.until("it is in sight, marked and read out", || desktop.script(seen) == true);
    assert!(!desktop.log().contains("and then 69"), "the newest are far below");
    desktop.press(&beginning("button", "To the newest message"));
    desktop.log_has("and then 69");

    // Back to what was found, and on with other words.
    desktop.back();
    desktop.says("One message");
    let words = role("searchbox", "Find in messages");
    assert_eq!(desktop.find(&words).value(), "chiavi");
    desktop.fill(&words, "caffe");
    desktop.says("2 messages");
    desktop.fill(&words, "\"un caffe\"");
    desktop.find_none(&having("link", "Il caffè lo porto io"));
    desktop.find(&having("link", "Ti va un caffè domani?"));
    desktop.fill(&words, "and then");
    desktop.says("The 40 newest");
    desktop.press(&button("Show older ones"));
    desktop.says("70 messages");
    desktop.fill(&words, "<script>\" AND * ((");
    desktop.says("Nothing was found.");

    // By person and date.
    desktop.fill(&words, "tiramisu");
    desktop.says("2 messages");
    desktop.script("document.querySelector('.find-filters summary').click()");
    desktop.fill(&field("Said by"), "papà");
    desktop.says("One message");
    desktop.script(
        "const day = document.querySelector('#find-until'); day.value = '2020-01-01'; \
         day.dispatchEvent(new Event('input', {bubbles: true}))",
    );
    desktop.says("Nothing was found.");
}

#[test]
fn one_conversation_is_searched_from_its_head_on_a_phone() {
    let world = stage::world();
    let demo = demo::make(&world);
    let phone = stage::open(&world, "phone", &Kind::PHONE);
    phone.link_by_code(&demo.giulia);
    phone.open("Gita in montagna");
    phone.press(&button("Find in this conversation"));
    phone.says("Only in Gita in montagna");
    let words = role("searchbox", "Find in messages");
    phone.fill(&words, "caffè");
    phone.says("One message");
    phone.find(&having("link", "Il caffè lo porto io"));
    phone.press(&button("Look in all conversations"));
    phone.fetches_the_rest();
    phone.says("2 messages");
    phone.press(&having("link", "Il caffè lo porto io"));
    phone.log_has("Il caffè lo porto io");
    phone.until("it is marked", || phone.script("return !!document.querySelector('.message.found')") == true);
}

#[test]
fn a_conversation_is_saved_and_imported_again() {
    let world = stage::world();
    let (desktop, folder) = saving(&world);
    desktop.open("Gita in montagna");
    desktop.press(&button("Details"));
    desktop.find(&role("heading", "Save a copy"));
    desktop.press(&button("As data"));
    let data = folder.path().join("Diario - Gita in montagna.jsonl");
    until("the data are saved", || data.is_file());
    desktop.says("The file was handed to the browser.");
    desktop.press(&button("To read and print"));
    let page = folder.path().join("Diario - Gita in montagna.html");
    until("the page is saved", || page.is_file());
    let text = std::fs::read_to_string(&page).unwrap();
    assert!(text.contains("Il caffè lo porto io") && text.ends_with("</html>\n"), "{text}");
    assert!(text.contains("Saved from Diario by giulia on "), "{text}");

    let eva = world.register("eva");
    let done = eva.one(&["import", data.to_str().unwrap()]);
    assert_eq!(done["conversations"][0]["title"], "Gita in montagna");
    assert!(eva.texts("Gita in montagna").contains(&"Il caffè lo porto io".to_owned()));
    desktop.find_none(&any("alert"));
    desktop.find(&link("Settings"));
}

#[test]
fn all_conversations_are_saved_as_one_file_and_imported_again() {
    let world = stage::world();
    let (desktop, folder) = saving(&world);
    let saved = |ending: &str| {
        let files = std::fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().path());
        let name = |path: &std::path::PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
        files
            .filter(|path| name(path).starts_with("Diario - giulia 2") && name(path).ends_with(ending))
            .count()
    };
    desktop.press(&link("Settings"));
    desktop.find(&role("heading", "Save everything"));
    // Called off as soon as that can be done.
    desktop.script(
        "const card = [...document.querySelectorAll('.card')].find(c => c.innerText.includes('Save everything')); \
         const cancel = () => card.querySelector('.progress button'); \
         const told = new Promise(done => new MutationObserver((_, observer) => { \
             if (!cancel()) return; observer.disconnect(); cancel().click(); done(); \
         }).observe(card, {childList: true, subtree: true})); \
         [...card.querySelectorAll('button')].find(b => b.innerText === 'As data').click(); await told",
    );
    desktop.find(&button("As data"));
    assert!(!desktop.words().contains("handed to the browser"));
    assert_eq!(saved("l"), 0, "nothing is saved of what was called off");
    desktop.press(&button("To read and print"));
    until("the page is saved", || saved(".html") == 1);
    desktop.says("Older parts of some conversations are not on this device");
    // With everything here, the file is whole.
    desktop.press(&role("radio", "Always"));
    desktop.press(&button("Fetch"));
    desktop.says("Everything you can read is on this device");
    desktop.press(&button("As data"));
    until("the data are saved", || saved(".jsonl") == 1);
    desktop.says("The file was handed to the browser.");
    assert!(!desktop.words().contains("Older parts of some conversations"));

    let data = std::fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().path());
    let data = data.into_iter().find(|path| path.extension().is_some_and(|e| e == "jsonl")).unwrap();
    let eva = world.register("eva");
    let done = eva.one(&["import", data.to_str().unwrap()]);
    let titles: Vec<_> = done["conversations"].as_array().unwrap().iter().map(|c| &c["title"]).collect();
    for title in ["Gita in montagna", "Famiglia", "Calcetto del giovedì", "sofia"] {
        assert!(titles.iter().any(|found| **found == title), "{title}: {titles:?}");
    }
    assert!(eva.texts("Famiglia").contains(&"Tiramisù, e non si discute".to_owned()));
}
