//! One device of a list that something is chosen from.

use diario_protocol::Timestamp;
use leptos::prelude::*;

use super::ago::ago;
use super::picture::{Picture, picture};
use crate::model::device_name::shape_of;
use crate::state::use_state;
use crate::text::{text, tr, tr_args};

/// What a device is called, in the user's language if it has no name.
pub(super) fn shown_name(name: &str) -> String {
    if name.is_empty() { tr("devices-unnamed") } else { name.to_owned() }
}

/// A device, when it was seen, and what can be done with it.
#[component]
pub(super) fn DeviceItem(
    name: StoredValue<String>,
    primary: bool,
    seen: Option<Timestamp>,
    children: Children,
) -> impl IntoView {
    let state = use_state();
    let when = move || match seen {
        Some(at) => tr_args("devices-seen", &[("when", ago(at, Timestamp(state.now.get())).into())]),
        None => tr("devices-not-seen"),
    };
    view! {
        <li class="item">
            <span class="item-picture">{picture(Picture::of_device(name.with_value(|name| shape_of(name))))}</span>
            <div class="item-words">
                <p class="item-title">
                    <bdi>{move || name.with_value(|name| shown_name(name))}</bdi>
                    {primary.then(|| view! { <span class="badge">{text("devices-primary")}</span> })}
                </p>
                <p class="hint">{when}</p>
            </div>
            {children()}
        </li>
    }
}
