//! Pages beside the conversations, and the dialogs and notices of all.

mod add_device;
mod ago;
mod camera;
mod create;
mod details;
mod devices;
mod dialog;
mod export;
mod link;
mod members;
mod new;
mod new_group;
mod notices;
mod parts;
mod picture;
mod problem;
mod qr;
mod search;
mod settings;
mod toasts;
mod welcome;

pub(crate) use add_device::AddDevice;
pub(crate) use details::Details;
pub(crate) use devices::Devices;
pub(crate) use dialog::Confirm;
pub(crate) use new::NewConversation;
pub(crate) use notices::Notices;
pub(crate) use problem::problem_text;
pub(crate) use search::Search;
pub(crate) use settings::Settings;
pub(crate) use toasts::Toasts;
pub(crate) use welcome::Welcome;
