//! What the page decides without a browser.

pub mod avatar;
pub mod device_name;
pub mod draft;
pub mod emoji;
pub mod linkify;
pub mod order;
pub mod place;
pub mod rows;
#[cfg(test)]
mod sample;
pub mod standing;
pub mod thread;
pub mod username;
pub mod when;
pub mod window;

pub use place::Place;
