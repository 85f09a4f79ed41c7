//! What this browser is called until its user says otherwise.

use leptos::prelude::window;

use crate::model::device_name::{browser_of, system_of};
use crate::text::{tr, tr_args};

/// A name for this device such as "Chrome on Linux", in the user's language.
pub(crate) fn suggested_name() -> String {
    let agent = window().navigator().user_agent().unwrap_or_default();
    match (browser_of(&agent), system_of(&agent)) {
        (Some(browser), Some(system)) => {
            let name =
                tr_args("device-suggested-name", &[("browser", browser.into()), ("system", system.into())]);
            // A name that is sent to others: the marks around its parts belong to the page alone.
            name.replace(['\u{2068}', '\u{2069}'], "")
        }
        (Some(name), None) | (None, Some(name)) => name.to_owned(),
        (None, None) => tr("device-suggested-name-unknown"),
    }
}
