//! The service worker: updates and pushes.

use std::path::Path;

use serde_json::json;

use super::browser::Kind;
use super::page::{button, field};
use super::stage;
use crate::harness::World;

/// Puts the app, with another version string, into a folder.
fn another_version(folder: &Path) {
    let text = std::fs::read_to_string(folder.join("sw.js")).unwrap();
    let begin = text.find("VERSION = '").unwrap() + "VERSION = '".len();
    let changed = format!("{}{}{}", &text[..begin], "feedfeedfeedfeed", &text[begin + 16..]);
    std::fs::write(folder.join("sw.js"), changed).unwrap();
    // The folder's server would send the old one compressed.
    let _ = std::fs::remove_file(folder.join("sw.js.br"));
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn a_new_version_is_offered_and_finds_the_diary_as_it_was() {
    let app = tempfile::tempdir().unwrap();
    copy(&stage::dist(), app.path());
    let world = World::with(&["--web-dir", app.path().to_str().unwrap()]);
    let marco = world.register("marco");
    let phone = stage::open(&world, "phone", &Kind::PHONE);
    phone.register("giulia");
    phone.write_to("marco");
    phone.say("with the old version");
    phone.tick_is("Sent");
    phone.script("await navigator.serviceWorker.ready");
    phone.press(&button("Back"));

    another_version(app.path());
    phone.script("(await navigator.serviceWorker.getRegistration()).update()");
    phone.says("A new version is ready");
    phone.press(&button("Reload"));
    phone.until("only the new version is kept", || {
        let kept = "return (await caches.keys()).filter(name => name.startsWith('diario-'))";
        phone.try_script(kept).is_ok_and(|names| names == json!(["diario-feedfeedfeedfeed"]))
    });
    phone.is_connected();
    phone.open("marco");
    phone.log_has("with the old version");
    phone.find(&field("Message to marco"));
    phone.say("with the new one");
    phone.tick_is("Sent");
    marco.ok(&["sync"]);
    assert_eq!(marco.texts("giulia"), ["with the old version", "with the new one"]);
}

#[test]
fn a_push_is_shown_and_holds_nothing() {
    let world = stage::world();
    let mut phone = stage::open(&world, "phone", &Kind::PHONE);
    phone.register("giulia");
    let origin = stage::address(&world);
    phone.cdp("Browser.grantPermissions", json!({ "origin": origin, "permissions": ["notifications"] }));
    phone.script("await navigator.serviceWorker.ready");
    // Nobody looks at the app.
    phone.new_tab();
    phone.goto("about:blank");
    phone.look_at(0);
    phone.cdp("ServiceWorker.enable", json!({}));
    let shown = "const all = await (await navigator.serviceWorker.ready).getNotifications(); \
                 return all.map(n => [n.title, n.body])";
    phone.look_at(1);
    phone.cdp("ServiceWorker.enable", json!({}));
    phone.until("a push arrives", || {
        // Chromium counts registrations; which number this one has is its own affair.
        for id in 0..4 {
            let push = json!({ "origin": origin, "registrationId": id.to_string(), "data": "" });
            let _ = phone.try_cdp("ServiceWorker.deliverPushMessage", push);
        }
        phone.look_at(0);
        let notifications = phone.script(shown);
        phone.look_at(1);
        notifications == json!([["Diario", "New message"]])
    });
    // In the language that the app was set to, whatever the browser speaks.
    phone.look_at(0);
    phone.script("localStorage.setItem('diario.language', 'it')");
    phone.reload();
    phone.look_at(1);
    phone.until("a push speaks Italian", || {
        for id in 0..4 {
            let push = json!({ "origin": origin, "registrationId": id.to_string(), "data": "" });
            let _ = phone.try_cdp("ServiceWorker.deliverPushMessage", push);
        }
        phone.look_at(0);
        let notifications = phone.script(shown);
        phone.look_at(1);
        notifications == json!([["Diario", "Nuovo messaggio"]])
    });
}
