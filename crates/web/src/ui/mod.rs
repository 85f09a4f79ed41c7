//! What is seen.

pub(crate) mod pages;
pub(crate) mod shell;
