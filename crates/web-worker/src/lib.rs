//! The web app's worker: it holds the engine and serves the pages.
//!
//! `hub` knows the pages, `ask` does what they ask on the engine, `gather` makes few messages of many events, `view`
//! and `problem` put the engine's words into those of the line. `worker` is the rest: ports, locks, the store.
#![forbid(unsafe_code)]
// Used by the worker alone, which there is in a browser only; tested everywhere.
#![cfg_attr(not(target_family = "wasm"), allow(dead_code))]

mod ask;
#[cfg(any(test, feature = "fuzz"))]
pub mod fuzz;
mod gather;
mod hub;
mod problem;
mod recovery;
mod scan;
mod search;
mod view;

#[cfg(target_family = "wasm")]
mod worker;
