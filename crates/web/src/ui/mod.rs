//! What is seen.

mod announce;
mod avatar;
mod banner;
mod browser;
mod composer;
mod conversation;
mod help;
mod icons;
mod list;
mod menu;
mod naming;
pub(crate) mod pages;
mod press;
mod row;
pub(crate) mod shell;
mod shortcuts;
mod status;
pub(crate) mod when;
