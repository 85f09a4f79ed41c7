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
