//! A server with the web app, browsers and terminals.

use std::path::{Path, PathBuf};

use super::browser::{Browser, Kind};
use crate::harness::{Home, World};
use crate::line::Line;

/// The web app that `cargo xtask web` built.
pub(crate) fn dist() -> PathBuf {
    let dist = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../dist").canonicalize().unwrap_or_default();
    assert!(
        dist.join("index.html").is_file(),
        "there is no web app: run `cargo xtask test web`, which builds it"
    );
    dist
}

/// A server that serves the web app.
pub(crate) fn world() -> World {
    world_with(&[])
}

/// A server that serves the web app and has these flags besides.
pub(crate) fn world_with(flags: &[&str]) -> World {
    let dist = dist();
    World::with(&[&["--web-dir", dist.to_str().unwrap()], flags].concat())
}

/// Where browsers find a server.
pub(crate) fn address(world: &World) -> String {
    world.server.url().replace("127.0.0.1", "localhost")
}

/// A line to a server, for a browser that will lose it.
pub(crate) fn line(world: &World) -> Line {
    Line::to(world.server.url().trim_start_matches("http://"))
}

/// Giulia's phone over a line that it will lose, about to write to Marco, whose terminal is the other one.
pub(crate) fn writing_over(world: &World, line: &Line) -> (Home, Browser) {
    let marco = world.register("marco");
    let phone = open_over(line, "phone", &Kind::PHONE);
    phone.register("giulia");
    phone.write_to("marco");
    (marco, phone)
}

/// A browser that shows a world's web app.
pub(crate) fn open(world: &World, name: &str, kind: &Kind) -> Browser {
    let mut browser = Browser::start(name, kind);
    browser.goto(&address(world));
    browser
}

/// A browser that shows a server's web app over a line that it will lose.
pub(crate) fn open_over(line: &Line, name: &str, kind: &Kind) -> Browser {
    let mut browser = Browser::start(name, kind);
    browser.loses_network = true;
    browser.goto(&line.url());
    browser
}
