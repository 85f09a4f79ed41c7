//! Many devices and a server in one process, frame by frame in an order that a seed chooses.
//!
//! The engines are the real ones, and so are the server's rules, its storage and its connections (on loopback).
//! What a schedule decides is which device sends or takes its next frame; a test may also change a frame on its
//! way, as a lying server would. The server's own threads are not scheduled yet, so a seed replays the choices
//! and not every interleaving inside the server.

mod device;
pub mod os;
mod random;
pub mod run;
pub mod viewer;
mod world;

pub use device::{SimDevice, settle};
pub use random::Random;
pub use world::{ManualClock, World};
