//! What the server hands out.

use super::browser::Kind;
use super::stage;

#[test]
fn the_app_starts_and_offers_to_begin() {
    let world = stage::world();
    let mut browser = stage::open(&world, "desktop", &Kind::DESKTOP);
    browser.says("Diario");
    browser.check();
}
