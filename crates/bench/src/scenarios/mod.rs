//! A file for each scenario; `shared/peers.md` of the project says what they are.

pub(crate) mod devices;
pub(crate) mod history;
pub(crate) mod linking;
pub(crate) mod load;
pub(crate) mod members;
pub(crate) mod open;
mod puppet;
pub(crate) mod recovery;
pub(crate) mod s1;
pub(crate) mod s2;
pub(crate) mod s3;
pub(crate) mod s4;
pub(crate) mod s5;
pub(crate) mod search;
