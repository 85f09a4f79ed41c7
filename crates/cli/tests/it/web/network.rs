//! Networks that go and servers that end.

use serde_json::json;

use super::browser::{Browser, Kind};
use super::page::{button, field, link, role};
use super::stage;

/// Whether the browser says that there is a network, as a phone's does by its radio.
fn offline(browser: &Browser, offline: bool) {
    let state = json!({ "offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1 });
    browser.cdp("Network.enable", json!({}));
    browser.cdp("Network.overrideNetworkState", state);
    let online = browser.script("return navigator.onLine");
    assert_eq!(online, !offline);
}

#[test]
fn a_phone_in_a_tunnel_keeps_what_is_written_and_sends_it_after() {
    let world = stage::world();
    let line = stage::line(&world);
    let (marco, phone) = stage::writing_over(&world, &line);
    phone.say("before");
    phone.tick_is("Sent");

    line.cut();
    offline(&phone, true);
    phone.until("the page knows", || !phone.status().starts_with("Connected"));
    phone.say("in the tunnel");
    phone.say("still in it");
    phone.tick_is("Waiting to be sent");
    // Whether it says "Offline" or counts the seconds to the next try depends on who tells it first.
    let status = phone.status();
    assert!(status.starts_with("Offline: 2") || status.starts_with("Reconnecting in"), "{status}");
    marco.ok(&["sync"]);
    assert_eq!(marco.texts("giulia"), ["before"]);

    line.mend();
    offline(&phone, false);
    phone.is_connected();
    phone.tick_is("Sent");
    marco.ok(&["sync"]);
    assert_eq!(marco.texts("giulia"), ["before", "in the tunnel", "still in it"]);
}

#[test]
fn the_app_starts_without_a_network_and_sends_when_there_is_one() {
    let world = stage::world();
    let line = stage::line(&world);
    let (marco, phone) = stage::writing_over(&world, &line);
    phone.say("before");
    phone.tick_is("Sent");
    phone.script("await navigator.serviceWorker.ready");

    line.cut();
    phone.reload();
    phone.find(&field("Message to marco"));
    phone.log_has("before");
    phone.say("from the mountain");
    phone.tick_is("Waiting to be sent");
    // And a second time: what was written without a network is there.
    phone.reload();
    phone.log_has("from the mountain");

    line.mend();
    phone.is_connected();
    phone.tick_is("Sent");
    marco.ok(&["sync"]);
    assert_eq!(marco.texts("giulia"), ["before", "from the mountain"]);
}

#[test]
fn a_server_that_is_started_again_is_found_again() {
    let mut world = stage::world();
    let marco = world.register("marco");
    let mut desktop = stage::open(&world, "desktop", &Kind::DESKTOP);
    desktop.loses_network = true;
    desktop.register("giulia");
    desktop.write_to("marco");
    desktop.say("before");
    desktop.tick_is("Sent");
    world.server.kill();
    desktop.until("the page knows", || !desktop.status().starts_with("Connected"));
    desktop.fill(&field("Message to marco"), "meanwhile");
    desktop.press(&button("Send"));
    desktop.log_has("meanwhile");
    world.server.run();
    desktop.is_connected();
    desktop.tick_is("Sent");
    marco.ok(&["sync"]);
    assert_eq!(marco.texts("giulia"), ["before", "meanwhile"]);
    marco.ok(&["send", "giulia", "after"]);
    desktop.log_has("after");
}

#[test]
fn a_language_that_was_wanted_is_there_without_a_network_and_another_one_is_not() {
    let world = stage::world();
    let line = stage::line(&world);
    let phone = stage::open_over(&line, "phone", &Kind::PHONE);
    phone.register("giulia");
    phone.visit("/settings");
    phone.press(&role("radio", "Italiano"));
    phone.says("Impostazioni");
    phone.press(&role("radio", "English"));
    phone.says("Settings");
    let kept = "const names = await caches.keys(); \
                const kept = await Promise.all(names.map(async name => (await (await caches.open(name)).keys()))); \
                return kept.flat().filter(request => request.url.includes('/words-')).length";
    phone.until("both are kept", || phone.script(kept) == 2);
    line.cut();
    phone.reload();
    phone.says("Settings");
    phone.press(&role("radio", "Italiano"));
    phone.says("Impostazioni");
    phone.reload();
    phone.says("Impostazioni");

    // Not kept, it cannot be had now, and what there is stays.
    phone.script(
        "for (const name of await caches.keys()) { const cache = await caches.open(name); \
         for (const request of await cache.keys()) if (request.url.includes('/words-en')) await cache.delete(request) }",
    );
    phone.cdp("Network.clearBrowserCache", json!({}));
    phone.press(&role("radio", "English"));
    phone.says("Non c’è connessione con il server.");
    phone.until("the choice is as it was", || {
        phone.find(&role("radio", "Italiano")).property("checked") == "true"
    });
}

/// Who has no connection, or may not log in any more, would drop what nobody gives again.
#[test]
fn nothing_is_fetched_anew_without_the_server() {
    let world = stage::world();
    let line = stage::line(&world);
    let (marco, phone) = stage::writing_over(&world, &line);
    phone.say("kept");
    phone.tick_is("Sent");
    phone.press(&button("Back"));
    phone.press(&link("Settings"));
    assert!(phone.find(&button("Fetch again")).property("disabled") != true);
    line.cut();
    offline(&phone, true);
    phone.until("it is not offered", || phone.find(&button("Fetch again")).property("disabled") == true);
    line.mend();
    offline(&phone, false);
    phone.until("it is offered", || phone.find(&button("Fetch again")).property("disabled") != true);
    phone.press(&button("Fetch again"));
    phone.says("Fetch everything again?");
    phone.press(&button("Fetch again"));
    phone.says("Your conversations are being fetched again.");
    marco.ok(&["sync"]);
    phone.press(&button("Back"));
    phone.open("marco");
    phone.log_has("kept");
}

#[test]
fn a_browser_whose_files_are_broken_begins_anew() {
    let world = stage::world();
    let giulia = world.register("giulia");
    giulia.ok(&["send", "self", "kept elsewhere"]);
    let mut desktop = stage::open(&world, "desktop", &Kind::DESKTOP);
    desktop.link_by_code(&giulia);
    desktop.row_has("Notes to yourself", "kept elsewhere");
    // No page of the app is there to hold the files.
    desktop.goto(&format!("{}/manifest.webmanifest", stage::address(&world)));
    desktop.script(
        "const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle('diario'); \
         const spoil = async folder => { for await (const [, inside] of folder.entries()) { \
             if (inside.kind === 'directory') { await spoil(inside); continue; } \
             const size = (await inside.getFile()).size; \
             if (size <= 4096) continue; \
             const file = await inside.createWritable({keepExistingData: true}); \
             await file.write({type: 'write', position: 4096, data: new Uint8Array(4096).fill(7)}); \
             await file.close(); } }; \
         await spoil(folder)",
    );
    desktop.goto(&stage::address(&world));
    desktop.says("Something went wrong with what is stored in this browser.");
    desktop.press(&button("Load again"));
    desktop.says("Something went wrong with what is stored in this browser.");
    desktop.press(&button("Remove from this browser…"));
    desktop.says("Messages that were not sent yet are lost by this.");
    desktop.press(&button("Delete"));
    desktop.link_by_code(&giulia);
    desktop.row_has("Notes to yourself", "kept elsewhere");
}
