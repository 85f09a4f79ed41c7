//! The way back: a recovery key made, checked and used; a passkey by a virtual authenticator; devices that stay or go.

use serde_json::json;

use super::browser::{Browser, Kind};
use super::page::{beginning, button, field, link, role};
use super::stage;

impl Browser {
    /// Gives the browser an authenticator that says yes to everything.
    fn authenticator(&self) -> String {
        self.cdp("WebAuthn.enable", json!({}));
        let options = json!({ "options": {
            "protocol": "ctap2", "ctap2Version": "ctap2_1", "transport": "internal", "hasResidentKey": true,
            "hasUserVerification": true, "hasPrf": true, "isUserVerified": true,
            "automaticPresenceSimulation": true,
        }});
        let added = self.cdp("WebAuthn.addVirtualAuthenticator", options);
        added["authenticatorId"].as_str().unwrap_or_else(|| panic!("{added}")).to_owned()
    }

    /// Makes a recovery key on the page for that, and gives its words.
    fn make_key(&self, start: &str) -> String {
        let words = self.make_key_up_to_the_end(start);
        self.says("Recovery key of 24 words");
        words
    }

    /// The same, wherever that leads.
    fn make_key_up_to_the_end(&self, start: &str) -> String {
        self.press(&button(start));
        self.says("Write these 24 words down");
        let words = self.script(
            "return [...document.querySelectorAll('.key-words li')].map(word => word.innerText.trim())",
        );
        let words: Vec<String> = serde_json::from_value(words).unwrap();
        assert_eq!(words.len(), 24, "{words:?}");
        self.press(&button("I have written them down"));
        self.says("Three of the words");
        let asked = self.script(
            "return [...document.querySelectorAll('form label')].map(l => +l.innerText.match(/\\d+/)[0])",
        );
        let asked: Vec<usize> = serde_json::from_value(asked).unwrap();
        assert_eq!(asked.len(), 3, "{asked:?}");
        self.fill(&field(&format!("Word {}", asked[0])), "zzz");
        self.press(&button("Done"));
        self.says(&format!("Word {} is another one", asked[0]));
        for number in asked {
            self.fill(&field(&format!("Word {number}")), &words[number - 1].to_uppercase());
        }
        self.press(&button("Done"));
        self.says("You have a recovery key");
        self.says("With it you get your account back");
        self.press(&button("Good"));
        words.join(" ")
    }
}

#[test]
fn an_account_comes_back_by_its_words() {
    let world = stage::world();
    let marco = world.register("marco");
    let words = {
        let lost = stage::open(&world, "lost", &Kind::PHONE);
        lost.create("giulia");
        // Given up half-way, the choice is there again.
        lost.press(&button("Make a recovery key"));
        lost.says("Write these 24 words down");
        lost.press(&button("Cancel"));
        lost.find(&role("heading", "In case you lose every device"));
        let words = lost.make_key_up_to_the_end("Make a recovery key");
        lost.find(&role("region", "Conversations"));
        lost.is_connected();
        lost.write_to("marco");
        lost.say("before it was lost");
        lost.press(&button("Back"));
        assert!(!lost.words().contains("If you lose every device"), "there is a way back");
        words
    };
    marco.ok(&["send", "giulia", "while it was lost"]);

    let new = stage::open(&world, "new", &Kind::DESKTOP);
    new.press(&beginning("button", "Recover my account"));
    new.fill(&field("Name"), "giulia");
    let wrong = words.replacen(' ', " abandno ", 1);
    new.fill(&field("The 24 words of your recovery key"), &wrong);
    new.says("Word 2 is no word of a recovery key.");
    let swapped = words.split(' ').rev().collect::<Vec<_>>().join(" ");
    new.fill(&field("The 24 words of your recovery key"), &swapped);
    new.says("These words do not belong together");
    new.fill(&field("The 24 words of your recovery key"), &words);
    new.says("All 24 words fit together.");
    new.press(&button("Go on"));
    new.says("Welcome back, giulia");
    new.says("Chrome on Android");
    new.press(&button("None of them stays"));
    new.press(&button("Recover my account"));
    new.find(&role("region", "Conversations"));
    new.is_connected();
    new.row_has("marco", "while it was lost");
    new.open("marco");
    new.log_has("before it was lost");
    new.say("I am back");
    new.tick_is("Sent");
    new.visit("/devices");
    new.says("Main");
    new.until("the lost one is gone", || !new.words().contains("Chrome on Android"));
}

#[test]
fn who_goes_on_without_a_way_back_is_warned_and_reminded_later() {
    let world = stage::world();
    let phone = stage::open(&world, "phone", &Kind::PHONE);
    phone.create("giulia");
    phone.press(&button("Not now"));
    phone.says("Nobody can bring them back");
    phone.press(&button("Back"));
    phone.find(&role("heading", "In case you lose every device"));
    phone.press(&button("Not now"));
    phone.press(&button("Go on without"));
    phone.find(&role("region", "Conversations"));
    phone.is_connected();
    assert!(!phone.words().contains("If you lose every device"), "not twice in a row");
    // A week later.
    phone.script("localStorage.setItem('diario.reminded', '0')");
    phone.reload();
    phone.says("If you lose every device");
    phone.press(&link("Make a recovery key"));
    phone.make_key("Make a recovery key");
    phone.visit("/");
    phone.until("the reminder is gone", || !phone.words().contains("If you lose every device"));
}

#[test]
fn an_account_comes_back_by_a_passkey_and_keeps_its_devices() {
    let world = stage::world();
    let browser = stage::open(&world, "passkey", &Kind::DESKTOP);
    browser.authenticator();
    browser.create("giulia");
    browser.press(&button("Use a passkey instead"));
    browser.find(&role("region", "Conversations"));
    browser.open("Notes to yourself");
    browser.say("a note");
    browser.visit("/settings/recovery");
    browser.says("Passkey: Chrome on Linux");
    browser.until("the server has it", || browser.words().contains("Made"));
    // The browser forgets its account, and keeps the passkey.
    browser.visit("/settings");
    browser.press(&button("Remove from this browser…"));
    browser.press(&button("Delete"));
    browser.press(&beginning("button", "Recover my account"));
    browser.press(&button("Use a passkey"));
    browser.says("Welcome back, giulia");
    browser.press(&button("Recover my account"));
    browser.find(&role("region", "Conversations"));
    browser.is_connected();
    browser.row_has("Notes to yourself", "a note");
    browser.visit("/devices");
    let both = || browser.words().matches("Chrome on Linux").count() == 2;
    browser.until("the device before is there still", both);
}

#[test]
fn wrong_words_are_refused_with_a_clear_message() {
    let world = stage::world();
    let giulia = world.register("giulia");
    giulia.one(&["recovery-key", "--yes"]);
    let other = world.register("marco").one(&["recovery-key", "--yes", "--language", "it"]);
    let words: Vec<String> = serde_json::from_value(other["recovery_key"]["words"].clone()).unwrap();
    let phone = stage::open(&world, "phone", &Kind::PHONE);
    phone.press(&beginning("button", "Recover my account"));
    phone.fill(&field("Name"), "giulia");
    phone.fill(&field("The 24 words of your recovery key"), &words.join(" "));
    phone.says("All 24 words fit together.");
    phone.press(&button("Go on"));
    phone.says("This is no recovery key of that account.");
    phone.press(&button("Back"));
    phone.find(&beginning("button", "Create an account"));
}
