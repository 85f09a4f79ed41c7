//! One engine and whatever a server, its user and its clock may do to it: no server is needed for that.

// Clippy allows it in tests, but does not take the helpers here for tests.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

mod drive;
mod found;
mod outgoing;
#[path = "../../../../fuzz/replay.rs"]
mod replay;
mod sequences;
