//! The web app's pages: what a person sees of Diario in a browser.
//!
//! `model` decides without a browser and is tested everywhere; `text` holds the words of all languages. The rest
//! is a page in a browser: `bridge` speaks with the worker that holds the engine, `state` is what the page knows,
//! `ui` shows it, `pwa` is what makes it an app: the service worker, notifications, installing.
#![forbid(unsafe_code)]

pub mod model;
pub mod text;

#[cfg(target_family = "wasm")]
mod actions;
#[cfg(target_family = "wasm")]
#[allow(unreachable_pub, reason = "the macro for components makes public builders of them")]
mod app;
#[cfg(target_family = "wasm")]
mod bridge;
#[cfg(target_family = "wasm")]
mod finding;
#[cfg(target_family = "wasm")]
mod nav;
#[cfg(target_family = "wasm")]
mod pwa;
#[cfg(target_family = "wasm")]
mod state;
#[cfg(target_family = "wasm")]
#[allow(unreachable_pub, reason = "the macro for components makes public builders of them")]
mod ui;
