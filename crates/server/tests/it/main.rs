//! The whole server, spoken to by small devices.

// The helpers panic where a test would.
#![allow(clippy::unwrap_used, clippy::similar_names)]

mod device;
mod flows;
mod hostile;
mod http;
mod load;
mod push;
mod push_service;
mod raw;
mod recovery;
mod support;
mod web;
