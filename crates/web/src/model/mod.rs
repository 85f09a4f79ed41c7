//! What the page decides without a browser.

pub mod order;
pub mod place;

pub use place::Place;
