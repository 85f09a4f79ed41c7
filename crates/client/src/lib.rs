//! Gives an engine what it does not have of its own: a socket, a file and a clock.
//!
//! On a system of its own: `Home` is the folder a device lives in, `Client` the handle that the user's faces hold,
//! `Driver` the loop between engine and server. In a browser: `web`.

#![forbid(unsafe_code)]

mod backoff;
#[cfg(not(target_family = "wasm"))]
mod driver;
#[cfg(all(any(test, feature = "fuzz"), not(target_family = "wasm")))]
pub mod fuzz;
#[cfg(not(target_family = "wasm"))]
mod home;
// What decides in the browser's driver; tested where tests run.
#[cfg(any(test, target_family = "wasm"))]
mod inbox;
#[cfg(any(test, target_family = "wasm"))]
mod line;
#[cfg(not(target_family = "wasm"))]
mod socket;
#[cfg(target_family = "wasm")]
pub mod web;

#[cfg(not(target_family = "wasm"))]
pub use driver::{Client, Closed, Driver};
#[cfg(not(target_family = "wasm"))]
pub use home::{Home, HomeError, InUse};
#[cfg(not(target_family = "wasm"))]
pub use socket::{ConnectError, reach, websocket_url};
