//! Several tabs of one browser are one device.

use super::browser::Kind;
use super::page::field;
use super::stage;

#[test]
fn a_second_tab_follows_and_outlives_the_first() {
    let world = stage::world();
    let marco = world.register("marco");
    let mut desktop = stage::open(&world, "desktop", &Kind::DESKTOP);
    desktop.register("giulia");
    desktop.write_to("marco");
    desktop.say("from the first tab");
    desktop.tick_is("Sent");
    let conversation = stage::address(&world) + &desktop.path();
    desktop.script("await navigator.serviceWorker.ready");

    let second = desktop.new_tab();
    desktop.goto(&conversation);
    desktop.log_has("from the first tab");
    desktop.say("from the second tab");
    desktop.tick_is("Sent");
    desktop.look_at(0);
    desktop.log_has("from the second tab");
    marco.ok(&["send", "giulia", "to both"]);
    desktop.log_has("to both");
    desktop.look_at(second);
    desktop.log_has("to both");

    desktop.look_at(0);
    desktop.check();
    desktop.close_tab();
    desktop.find(&field("Message to marco"));
    desktop.say("the first is gone");
    desktop.tick_is("Sent");
    marco.ok(&["sync"]);
    let said = ["from the first tab", "from the second tab", "to both", "the first is gone"];
    assert_eq!(marco.texts("giulia"), said);
    assert_eq!(marco.ok(&["devices"]).len(), 1);
    marco.ok(&["send", "giulia", "still there?"]);
    desktop.log_has("still there?");
}
