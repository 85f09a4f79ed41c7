//! The web app's worker: it holds the engine and serves the pages.
#![forbid(unsafe_code)]

#[cfg(target_family = "wasm")]
mod worker;
