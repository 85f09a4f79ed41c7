//! The Diario server.
//!
//! It orders what devices send, keeps it, and hands it on, without being able to read it. See
//! [`Server::bind`] for how to run one, [`Settings`] for what can be set, [`storage::Storage`] for what is kept.
//!
//! A frame of a device goes through these parts: `http` upgrades a connection to a WebSocket, `session` reads
//! the frame and checks it with `rules`, `storage` makes it durable and tells the `hub`, which pushes it to the
//! connected devices; then the frame is answered. Devices that are not connected are woken by `push`. What is not
//! for devices is for browsers: `web` hands out the web app.

#![forbid(unsafe_code)]

mod app;
mod clock;
mod config;
mod embedded;
#[cfg(any(test, feature = "fuzz"))]
pub mod fuzz;
mod http;
mod hub;
mod link;
mod log_id;
mod metrics;
mod push;
mod rate;
mod retention;
mod rules;
mod server;
mod session;
pub mod storage;
mod tries;
mod web;

pub use clock::{Clock, SystemClock};
pub use config::{ConfigError, Flags, KeepFor, Registration, Settings};
pub use embedded::EmbeddedServer;
pub use server::{Server, StartError, create_invite, release_name};
pub use web::{WebApp, WebFile};
