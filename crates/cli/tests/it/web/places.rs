//! Going from place to place: back, out of a page that still waits for something, and out of the account.

use serde_json::json;

use super::browser::Kind;
use super::page::{beginning, button, field, having, link, role};
use super::stage;

#[test]
fn back_leads_from_the_steps_of_the_welcome_to_its_choice() {
    let world = stage::world();
    let phone = stage::open(&world, "phone", &Kind::PHONE);
    for (way, path) in [("Create an account", "/welcome/create"), ("Link this device", "/welcome/link")] {
        phone.press(&beginning("button", way));
        phone.until("the step is shown", || phone.path() == path);
        phone.back();
        phone.find(&beginning("button", way));
        assert_eq!(phone.path(), "/welcome");
    }
    phone.press(&beginning("button", "Create an account"));
    phone.reload();
    phone.find(&field("Name"));
    phone.press(&button("Back"));
    phone.register("giulia");
    // What is over does not come back.
    phone.until("the list is there", || phone.path() == "/");
    phone.back();
    phone.find(&role("region", "Conversations"));
    phone.until("there is no welcome", || phone.path() == "/");
}

#[test]
fn details_opened_from_the_list_lead_to_their_conversation() {
    let world = stage::world();
    world.register("marco");
    let desktop = stage::open(&world, "desktop", &Kind::DESKTOP);
    desktop.register("giulia");
    desktop.write_to("marco");
    desktop.say("ciao");
    let conversation = desktop.path();
    // From the conversation, and back to it.
    desktop.press(&button("Details"));
    desktop.until("the details are open", || desktop.path().ends_with("/details"));
    desktop.press(&button("Details"));
    desktop.until("they are closed", || desktop.path() == conversation);
    // From elsewhere.
    for way_back in ["Details", "Back"] {
        desktop.press(&link("Settings"));
        desktop.until("the settings are open", || desktop.path() == "/settings");
        desktop.script(&format!(
            "const link = Object.assign(document.createElement('a'), {{href: '{conversation}/details'}}); \
             document.body.append(link); link.click(); link.remove()"
        ));
        desktop.find(&field("Message to marco"));
        desktop.press(&button(way_back));
        desktop.until("the conversation is open", || desktop.path() == conversation);
    }
}

#[test]
fn the_keys_are_shown_by_a_key_that_is_no_letter_alone() {
    let world = stage::world();
    let desktop = stage::open(&world, "desktop", &Kind::DESKTOP);
    desktop.register("giulia");
    desktop.key_with("/", 2);
    desktop.find(&role("dialog", "Keys"));
    desktop.press(&button("Close"));
    desktop.find_none(&role("dialog", "Keys"));
    desktop.key_with("?", 8);
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert!(!desktop.has(&role("dialog", "Keys")));
}

#[test]
fn who_leaves_a_page_while_it_looks_for_somebody_breaks_nothing() {
    let world = stage::world();
    world.register("marco");
    let desktop = stage::open(&world, "desktop", &Kind::DESKTOP);
    desktop.register("giulia");
    for (page, name) in [("Group", "Add a person"), ("Person", "Name of the person")] {
        desktop.press(&link("New conversation"));
        desktop.press(&button(page));
        desktop.fill(&field(name), "marco");
        // In one breath: the answer comes when the page is gone.
        desktop.script(
            "document.activeElement.form.requestSubmit(); document.querySelector('a[href=\"/settings\"]').click()",
        );
        desktop.until("the settings are open", || desktop.path() == "/settings");
    }
    desktop.write_to("marco");
    desktop.say("still alive");
    desktop.tick_is("Sent");
}

#[test]
fn deleting_the_diary_leaves_nothing_of_it_on_the_page() {
    let world = stage::world();
    let marco = world.register("marco");
    let phone = stage::open(&world, "phone", &Kind::PHONE);
    phone.register("giulia");
    marco.ok(&["send", "giulia", "between us"]);
    phone.row_has("marco", "between us");
    marco.ok(&["send", "giulia", "for your ears"]);
    phone.until("it is said aloud", || phone.words().contains("for your ears"));
    phone.script("localStorage.setItem('diario.notifications', 'open')");
    phone.press(&link("Settings"));
    phone.press(&button("Remove from this browser…"));
    phone.press(&button("Delete"));
    phone.find(&beginning("button", "Create an account"));
    assert_eq!(phone.script("return localStorage.getItem('diario.notifications')"), json!(null));
    phone.register("anna");
    assert!(!phone.has(&having("link", "marco")));
    let words = phone.words();
    assert!(!words.contains("between us") && !words.contains("for your ears"), "{words}");
}
