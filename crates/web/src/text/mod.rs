//! What people read: every text comes from the Fluent files in `locales/`, in the user's language.
//!
//! A text is named by its key. `tr` and `tr_args` are for closures of a view: they follow the language, which
//! can change at any time. Arguments stand in bidirectional isolation, so that a name in another script does not
//! turn the sentence around it.

mod catalogue;
mod language;
#[cfg(target_family = "wasm")]
mod live;
#[cfg(test)]
mod tests;

pub use catalogue::Catalogue;
pub use fluent_bundle::FluentValue;
pub use language::{Language, negotiate};
#[cfg(target_family = "wasm")]
pub use live::{choose, chosen, language, number, start, text, tr, tr_args};
