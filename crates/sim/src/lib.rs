//! Many devices and a server in one process, frame by frame in an order that a seed chooses.
//!
//! The engines are the real ones, and so are the server's rules, its storage and its connections (on loopback).
//! There are two ways to use it. [`World`] and [`SimDevice`] let a test decide which device sends or takes its next
//! frame, or change it on its way, as a lying server would; the server's threads and the clock are real ones there. In
//! [`run`] a seed decides everything: accounts, what they do, the network, the disks, the time; one thread, no clock.

#![deny(unsafe_code)]

mod device;
pub mod os;
mod random;
pub mod run;
pub mod viewer;
mod world;

pub use device::{SimDevice, asked_words, settle};
pub use random::Random;
pub use world::{ManualClock, World};
