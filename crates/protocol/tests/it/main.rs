//! The wire codec from outside: what holds for every frame, for what was a frame, and for what never was one.

// Clippy allows it in tests, but does not take the helpers here for tests.
#![allow(clippy::unwrap_used)]

mod codec;
mod frames;
mod hostile;
mod lists;
mod parts;

/// A limit that no frame of these tests reaches.
const NO_LIMIT: usize = 1 << 24;
