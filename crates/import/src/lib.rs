//! Parsers for other messengers' exports.
//!
//! Nothing here opens a file, a socket or a database, or knows the time: the caller hands over a reader
//! and gets messages back. What is read was written by strangers, so every limit is an option, every
//! refusal is a typed error that says what to do, and no input panics.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod diario;
#[cfg(feature = "fixtures")]
pub mod fixture;
#[cfg(any(test, feature = "fuzz"))]
pub mod fuzz;
pub mod whatsapp;
