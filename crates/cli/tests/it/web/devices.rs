//! The page of devices, and whether a contact is who they are taken for.

use super::browser::Kind;
use super::page::{button, link, role};
use super::stage;

#[test]
fn a_device_is_made_a_main_device_and_a_linked_one_again() {
    let world = stage::world();
    let giulia = world.register("giulia");
    let desktop = stage::open(&world, "desktop", &Kind::DESKTOP);
    desktop.link_by_code(&giulia);
    giulia.ok(&["devices", "make-primary", "Chrome on Linux"]);
    desktop.press(&link("Devices"));
    // The terminal is another main device here.
    desktop.press(&button("More about giulia-1"));
    desktop.says("terminal on ");
    desktop.press(&button("Make it a linked device"));
    desktop.says("Make giulia-1 a linked device?");
    desktop.press(&button("Make it a linked device"));
    desktop.find(&button("Make it a main device"));
    giulia.ok(&["sync"]);
    assert_eq!(giulia.one(&["whoami"])["primary"], false);
    desktop.press(&button("Renew"));
    // And it takes the role over, while it follows.
    let follower = giulia.follow();
    desktop.press(&button("Hand over to it"));
    desktop.says("Hand over to giulia-1?");
    desktop.press(&button("Hand over to it"));
    desktop.says("Devices are added, renewed and removed on a main device.");
    follower.interrupt();
    assert_eq!(giulia.one(&["whoami"])["primary"], true);
}

#[test]
fn a_contact_is_verified_by_the_camera() {
    let world = stage::world();
    let marco = world.register("marco");
    let phone = stage::open(&world, "phone", &Kind::PHONE);
    phone.register("giulia");
    phone.write_to("marco");
    phone.say("hello");
    let his = marco.one(&["safety-number", "giulia"]);
    phone.show_to_camera(his["code"].as_str().unwrap());
    phone.press(&button("Details"));
    phone.press(&link("Compare it"));
    let digits = his["number"].as_str().unwrap();
    phone.says(&digits[..5]);
    phone.find(&role("image", "QR code of the safety number"));
    phone.press(&button("Scan their code"));
    phone.says("It is the same");
    phone.press(&button("Mark as verified"));
    phone.find(&button("Take the mark back"));
    phone.press(&button("Back"));
    phone.says("You compared it");
}
