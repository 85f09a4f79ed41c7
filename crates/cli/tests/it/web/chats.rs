//! Talking: a phone and a desktop in browsers, and terminals.

use super::browser::Kind;
use super::stage;

#[test]
fn what_is_written_on_the_page_is_read_in_the_terminal_and_back() {
    let world = stage::world();
    let marco = world.register("marco");
    let phone = stage::open(&world, "phone", &Kind::PHONE);
    phone.register("giulia");
    phone.write_to("marco");
    phone.say("ciao Marco");
    phone.tick_is("Sent");
    marco.ok(&["sync"]);
    assert_eq!(marco.texts("giulia"), ["ciao Marco"]);
    phone.tick_is("Delivered");
    marco.ok(&["send", "giulia", "ciao Giulia"]);
    phone.log_has("ciao Giulia");
    marco.ok(&["read", "giulia"]);
    phone.tick_is("Read");
}

#[test]
fn enter_sends_on_a_desktop_and_shift_enter_breaks_the_line() {
    let world = stage::world();
    let marco = world.register("marco");
    let desktop = stage::open(&world, "desktop", &Kind::DESKTOP);
    desktop.register("giulia");
    desktop.write_to("marco");
    desktop.find(&super::page::field("Message to marco")).focus();
    desktop.write("one");
    desktop.key_with("Enter", 8);
    desktop.write("two");
    desktop.key("Enter");
    desktop.tick_is("Sent");
    desktop.write("three");
    desktop.key("Enter");
    desktop.log_has("three");
    desktop.tick_is("Sent");
    marco.ok(&["sync"]);
    assert_eq!(marco.texts("giulia"), ["one\ntwo", "three"]);
}

#[test]
fn somebody_is_seen_typing_and_what_is_unread_is_counted() {
    let world = stage::world();
    let marco = world.register("marco");
    let desktop = stage::open(&world, "desktop", &Kind::DESKTOP);
    desktop.register("giulia");
    marco.ok(&["send", "giulia", "first"]);
    desktop.row_has("marco", "first");
    desktop.row_has("marco", "1 unread message");
    // Who wrote had no name yet when the row came.
    let initial = "return document.querySelector('.rows li .avatar').textContent";
    desktop.until("the mark has the name's initial", || desktop.script(initial) == "M");
    marco.ok(&["typing", "giulia"]);
    desktop.row_has("marco", "is typing");
    desktop.open("marco");
    desktop.log_has("first");
    desktop.row_lacks("marco", "unread");
    // Read on the page is read for the account: its terminal would not count it either.
    crate::harness::until("marco learns that it was read", || {
        marco.ok(&["sync"]);
        marco.ok(&["history", "giulia"]).iter().any(|m| m["text"] == "first" && m["state"] == "read")
    });
}

#[test]
fn a_read_marker_and_a_draft_move_between_a_phone_and_a_desktop() {
    let world = stage::world();
    let giulia = world.register("giulia");
    let marco = world.register("marco");
    let phone = stage::open(&world, "phone", &Kind::PHONE);
    let desktop = stage::open(&world, "desktop", &Kind::DESKTOP);
    for browser in [&phone, &desktop] {
        browser.link_by_code(&giulia);
    }
    marco.ok(&["send", "giulia", "are you there?"]);
    phone.row_has("marco", "1 unread message");
    desktop.row_has("marco", "1 unread message");
    desktop.open("marco");
    phone.row_lacks("marco", "unread");
    desktop.write("almost fin");
    phone.row_has("marco", "almost fin");
    desktop.write("ished");
    phone.row_has("marco", "almost finished");
    desktop.press(&super::page::button("Send"));
    phone.row_has("marco", "You: almost finished");
    phone.open("marco");
    phone.log_has("almost finished");
    assert!(phone.find(&super::page::field("Message to marco")).value().trim().is_empty());
}

#[test]
fn a_group_is_begun_on_the_page() {
    let world = stage::world();
    let [marco, sofia] = ["marco", "sofia"].map(|name| world.register(name));
    let desktop = stage::open(&world, "desktop", &Kind::DESKTOP);
    desktop.register("giulia");
    desktop.begin_group("Gita in montagna", &["marco", "sofia"]);
    desktop.say("sabato alle sette?");
    desktop.tick_is("Sent");
    for friend in [&marco, &sofia] {
        friend.ok(&["sync"]);
        assert_eq!(friend.texts("Gita in montagna"), ["sabato alle sette?"]);
    }
    sofia.ok(&["send", "Gita in montagna", "ci sono"]);
    desktop.log_has("ci sono");
}

#[test]
fn a_reload_in_the_middle_loses_nothing() {
    let world = stage::world();
    let marco = world.register("marco");
    let phone = stage::open(&world, "phone", &Kind::PHONE);
    phone.register("giulia");
    phone.write_to("marco");
    for number in 0..20 {
        phone.fill(&super::page::field("Message to marco"), &format!("message {number}"));
        phone.press(&super::page::button("Send"));
        if number % 7 == 3 {
            // The message is in the field's hands until the page has taken it.
            phone.log_has(&format!("message {number}"));
            phone.reload();
            phone.find(&super::page::field("Message to marco"));
        }
    }
    phone.log_has("message 19");
    phone.tick_is("Sent");
    marco.ok(&["sync"]);
    let wanted: Vec<_> = (0..20).map(|number| format!("message {number}")).collect();
    assert_eq!(marco.texts("giulia"), wanted);
}

#[test]
fn a_row_that_moves_keeps_the_focus_and_its_menu_swallows_the_click_beside_it() {
    let world = stage::world();
    let [marco, sofia] = ["marco", "sofia"].map(|name| world.register(name));
    let desktop = stage::open(&world, "desktop", &Kind::DESKTOP);
    desktop.register("giulia");
    for friend in [&marco, &sofia] {
        friend.ok(&["send", "giulia", "ciao"]);
    }
    desktop.row_has("marco", "ciao");
    desktop.row_has("sofia", "ciao");
    let row = super::page::having("link", "marco");
    desktop.find(&row).focus();
    marco.ok(&["send", "giulia", "to the top"]);
    desktop.row_has("marco", "to the top");
    let first = "return document.activeElement === document.querySelector('.rows li a')";
    desktop.until("the first row has the focus", || desktop.script(first) == true);

    desktop.find(&super::page::beginning("button", "What to do with marco")).focus();
    desktop.key("Enter");
    desktop.find(&super::page::any("menu"));
    // The shade lies over everything; what is pressed is the place where a row is.
    desktop.script("document.querySelector('.rows li:last-child a').id = 'below'");
    let place = desktop.script(
        "const box = document.querySelector('#below').getBoundingClientRect(); \
         return [box.right - 40, box.bottom - 8]",
    );
    let finger = serde_json::json!([{ "x": place[0], "y": place[1] }]);
    for (kind, points) in [("touchStart", finger), ("touchEnd", serde_json::json!([]))] {
        let touch = serde_json::json!({ "type": kind, "touchPoints": points });
        desktop.cdp("Input.dispatchTouchEvent", touch);
    }
    desktop.find_none(&super::page::any("menu"));
    assert_eq!(desktop.path(), "/");
}
