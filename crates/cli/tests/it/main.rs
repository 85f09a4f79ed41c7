//! The program as its users run it: real processes, a real server, folders of their own.

#![allow(clippy::unwrap_used, reason = "these are tests, the harness too")]

mod basics;
mod crashes;
mod devices;
mod errors;
mod export;
mod faults;
mod flows;
mod forwarding;
mod groups;
mod harness;
mod import;
mod line;
mod linking;
mod past;
mod recovery;
mod search;
mod upkeep;
mod validity;
mod web;
