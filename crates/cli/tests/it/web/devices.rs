//! The page of devices, and whether a contact is who they are taken for.

use super::browser::Kind;
use super::page::{beginning, button, field, having, link, role};
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

#[test]
fn somebody_in_a_group_is_verified_from_their_row() {
    let world = stage::world();
    let (marco, sofia) = (world.register("marco"), world.register("sofia"));
    let desktop = stage::open(&world, "desktop", &Kind::DESKTOP);
    desktop.register("giulia");
    desktop.begin_group("Trip", &["marco", "sofia"]);
    desktop.say("hello");
    marco.ok(&["sync"]);
    sofia.ok(&["sync"]);
    let his = marco.one(&["safety-number", "giulia"]);
    desktop.press(&button("Details"));
    desktop.press(&link("Safety number of marco"));
    desktop.says(&his["number"].as_str().unwrap()[..5]);
    desktop.says("If marco sees the same number");
    desktop.press(&button("Mark as verified"));
    desktop.find(&button("Take the mark back"));
    desktop.press(&button("Back"));
    desktop.says("Verified");
    // By its address, too; and nobody has one with themselves or with who is not in the group.
    desktop.press(&link("Safety number of sofia"));
    desktop.reload();
    desktop.says("If sofia sees the same number");
    let path = desktop.path();
    let (group, _) = path.rsplit_once('/').unwrap();
    desktop.visit(&format!("{group}/{}", "00".repeat(16)));
    desktop.says("That is not here any more.");
}

#[test]
fn a_changed_key_is_warned_of_in_the_chat_in_the_group_and_beside_the_number() {
    let world = stage::world();
    let data = world.server.data().to_str().unwrap();
    let marco = world.register("marco");
    let desktop = stage::open(&world, "desktop", &Kind::DESKTOP);
    desktop.register("giulia");
    desktop.write_to("marco");
    desktop.say("hello");
    marco.ok(&["sync"]);
    // Marco lost everything, and whoever runs the server lets his name begin anew.
    let code = marco.one(&["release-name", "marco", "--data", data])["invite"].as_str().unwrap().to_owned();
    let anew = world.home("anew");
    anew.ok(&["register", "--username", "marco", "--invite", &code]);
    anew.ok(&["send", "giulia", "me again"]);
    anew.ok(&["group", "create", "Trip", "giulia"]);
    anew.ok(&["send", "Trip", "come along"]);

    desktop.row_has("marco", "The key has changed");
    desktop.row_has("Trip", "The key has changed");
    // In the chat it stands where one writes; beside the number and in the details, too.
    desktop.press(&having("link", "me again"));
    desktop.says("marco is another account than before");
    assert!(!desktop.has(&field("Message to marco")), "nothing is written before that is known");
    desktop.press(&button("Details"));
    desktop.find(&button("I know about it"));
    desktop.press(&having("link", "Compare it"));
    desktop.find(&role("heading", "The number"));
    desktop.find(&button("I know about it"));
    // In the group, who it is stands with the members.
    desktop.press(&having("link", "come along"));
    desktop.says("Somebody in this group is another account than before");
    desktop.find(&field("Message to Trip"));
    desktop.press(&link("See who"));
    desktop.says("The key has changed");
    desktop.press(&link("Safety number of marco"));
    let his = anew.one(&["safety-number", "giulia"]);
    desktop.says(&his["number"].as_str().unwrap()[..5]);
    desktop.press(&button("I know about it"));
    desktop.find_none(&button("I know about it"));
    desktop.row_lacks("Trip", "The key has changed");
    desktop.find_none(&beginning("alert", "Somebody in this group"));
    desktop.press(&having("link", "me again"));
    desktop.find(&field("Message to marco"));
}
