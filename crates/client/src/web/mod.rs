//! In a browser, in a dedicated worker: a WebSocket, files of the origin's private file system, and timers.

mod driver;
mod socket;
mod store;
mod timer;

pub use crate::line::Connection;
pub use driver::{Stopped, WebClient};
pub use store::{Kept, OpenError, Store};
pub use timer::{Timer, now, sleep};
