//! Gives an engine what it does not have of its own: a socket, a file and a clock.
//!
//! On a system of its own: `Home` is the folder a device lives in, `Client` the handle that the user's faces hold,
//! `Driver` the loop between engine and server. In a browser: `web`.

#![forbid(unsafe_code)]

#[cfg(not(target_family = "wasm"))]
mod driver;
#[cfg(not(target_family = "wasm"))]
mod home;
#[cfg(not(target_family = "wasm"))]
mod socket;

#[cfg(not(target_family = "wasm"))]
pub use driver::{Client, Closed, Driver};
#[cfg(not(target_family = "wasm"))]
pub use home::{Home, HomeError, InUse};
#[cfg(not(target_family = "wasm"))]
pub use socket::{ConnectError, reach, websocket_url};
