//! Engines against the real server, frame by frame.

#![allow(clippy::unwrap_used, clippy::similar_names)]

mod about;
mod absence;
mod asking;
mod cast;
mod chain;
mod copies;
mod first_screen;
mod flows;
mod groups;
mod home;
mod imports;
mod killed;
mod liar;
mod linking;
mod pairs;
mod phantom;
mod preferences;
mod primaries;
mod races;
mod recovery;
mod recovery_lies;
#[path = "../../../../fuzz/replay.rs"]
mod replay;
mod retention;
mod returning;
mod safety;
mod search;
mod secrecy;
mod seeds;
mod validity;
