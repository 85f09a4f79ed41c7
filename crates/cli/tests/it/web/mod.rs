//! The web app in real browsers: headless Chromium, phones and desktops, beside terminal devices.
//!
//! `cargo xtask test web` builds the app, installs what is missing and runs these. Every browser ends with a look at
//! its console and its requests: a violation of the Content-Security-Policy, an error, or a request to anybody but
//! its server fails the test. What was seen when a test failed is in `target/web-tests/`.

#![allow(dead_code, reason = "a kit: not every test file uses all of it")]

mod access;
mod bench;
mod browser;
mod camera;
mod demo;
mod page;
mod places;
mod stage;
mod user;

mod chats;
mod devices;
mod finding;
mod history;
mod hostile;
mod linking;
mod network;
mod reading;
mod recovery;
mod retention;
mod shipped;
mod tabs;
mod validity;
mod worker;
