//! What the server checks before it takes anything. Pure functions: no clock, no files, no sockets.

pub(crate) mod commit;
pub(crate) mod devices;
pub(crate) mod group;
pub(crate) mod key_package;
pub(crate) mod public_state;
pub(crate) mod roster;
