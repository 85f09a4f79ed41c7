//! For how long the server keeps what is said: chosen in the details, told to everybody, seen in what is no longer there.

use super::browser::Kind;
use super::page::{button, field, role};
use super::stage;

#[test]
fn how_long_is_chosen_in_the_details_and_told_to_the_others() {
    let world = stage::world_with(&["--set", "retention=90d"]);
    let marco = world.register("marco");
    let phone = stage::open(&world, "phone", &Kind::PHONE);
    phone.register("giulia");
    phone.write_to("marco");
    phone.say("hello");
    marco.ok(&["sync"]);
    phone.press(&button("Details"));
    phone.says("this server keeps messages for 90 days");
    let checked = |name: &str| phone.find(&role("radio", name)).property("checked") == "true";
    assert!(checked("For ever"));

    // What is given up stays as it was.
    phone.press(&role("radio", "30 days"));
    phone.says("The server will keep what is said here for 30 days");
    phone.press(&button("Cancel"));
    phone.until("it is as it was", || checked("For ever"));
    phone.press(&role("radio", "30 days"));
    phone.press(&button("Keep less"));
    let agreed = |home: &crate::harness::Home| {
        home.ok(&["sync"]);
        home.one(&["retention", "giulia"])["retention"]["agreed"].as_str().unwrap().to_owned()
    };
    phone.until("the other one knows", || agreed(&marco) == "30d");
    assert!(checked("30 days"));

    // Any number, and "delivered" besides.
    phone.press(&role("radio", "Other"));
    phone.fill(&field("Number of days"), "0");
    phone.press(&button("Save"));
    phone.says("A whole number from 1 to");
    phone.fill(&field("Number of days"), "14");
    phone.press(&button("Save"));
    phone.press(&button("Keep less"));
    phone.until("the other one knows", || agreed(&marco) == "14d");
    phone.press(&role("switch", "Only until every device has it"));
    phone.says("until every device has them, and for 14 days at most");
    phone.press(&button("Keep less"));
    phone.until("the other one knows", || agreed(&marco) == "14d,delivered");

    // More is never asked about; what others choose is seen while one looks.
    phone.press(&role("radio", "For ever"));
    phone.until("the other one knows", || agreed(&marco) == "delivered");
    marco.ok(&["retention", "giulia", "365d"]);
    phone.until("it is seen", || checked("A year"));
    phone.reload();
    phone.until("it is so", || checked("A year"));
}

#[test]
fn what_the_server_no_longer_keeps_says_so() {
    let world = stage::world_with(&["--set", "sweep_interval_ms=50"]);
    let (giulia, marco) = (world.register("giulia"), world.register("marco"));
    giulia.ok(&["send", "marco", "only for the two of us"]);
    marco.ok(&["sync"]);
    marco.ok(&["retention", "giulia", "delivered"]);
    // Both say what they have when they connect anew.
    for home in [&giulia, &marco, &giulia, &marco] {
        home.ok(&["sync"]);
    }
    std::thread::sleep(std::time::Duration::from_secs(1));
    let desktop = stage::open(&world, "desktop", &Kind::DESKTOP);
    desktop.link_by_code(&giulia);
    desktop.open("marco");
    desktop.log_has("No longer kept by the server.");
    assert!(!desktop.words().contains("Deleted by its sender"));
    assert_eq!(giulia.texts("marco"), ["only for the two of us"], "who had it keeps it");
}
