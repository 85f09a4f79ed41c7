//! Gives an engine what it does not have of its own: a socket, a file and a clock.
//!
//! [`Home`] is the folder a device lives in, [`Client`] the handle that the user's faces hold, [`Driver`] the
//! loop between engine and server.

#![forbid(unsafe_code)]

mod driver;
mod home;
mod socket;

pub use driver::{Client, Closed, Driver};
pub use home::{Home, HomeError, InUse};
pub use socket::{ConnectError, reach, websocket_url};
