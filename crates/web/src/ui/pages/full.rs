//! The account has as many devices as its server allows: one of them makes room for the one that asks to come in.

use diario_protocol::DeviceId;
use diario_web_api::Device;
use leptos::html;
use leptos::prelude::*;

use super::device_item::{DeviceItem, shown_name};
use super::devices::show_devices;
use super::dialog::Confirm;
use super::parts::Busy;
use crate::state::use_state;
use crate::text::{text, tr_args};
use crate::ui::browser;

/// Which device makes room; `choose` has its id.
#[component]
pub(super) fn MakeRoom(
    asker: RwSignal<String>,
    most: u64,
    #[prop(into)] choose: Callback<DeviceId>,
    #[prop(into)] refuse: Callback<()>,
) -> impl IntoView {
    let state = use_state();
    let chosen = RwSignal::new(None::<(DeviceId, String)>);
    let confirming = RwSignal::new(false);
    let heading = NodeRef::<html::H2>::new();
    heading.on_load(|heading| browser::focus(&heading));
    show_devices(state);
    let others = Memo::new(move |_| {
        let mut devices = state.devices.get().unwrap_or_default();
        devices.retain(|device| !device.this);
        // Who was away longest is most likely to be done without.
        devices.sort_by_key(|device| (device.primary, device.last_seen));
        devices
    });
    let row = move |device: Device| {
        let (id, name) = (device.id, StoredValue::new(device.name));
        let shown = move || name.with_value(|name| shown_name(name));
        view! {
            <DeviceItem name primary=device.primary seen=device.last_seen>
                <button
                    type="button"
                    class="button small"
                    aria-label=move || tr_args("full-remove-name", &[("name", shown().into())])
                    on:click=move |_| {
                        chosen.set(Some((id, shown())));
                        confirming.set(true);
                    }
                >
                    {text("full-remove")}
                </button>
            </DeviceItem>
        }
    };
    let chosen_name = move || chosen.get().map(|(_, name)| name).unwrap_or_default();
    view! {
        <h2 tabindex="-1" class="key-title" node_ref=heading>
            {move || tr_args("full-title", &[("name", asker.get().into())])}
        </h2>
        <p class="lead">{move || tr_args("full-what", &[("most", most.into())])}</p>
        <Show when=move || state.devices.read().is_none()>
            <Busy what=text("devices-loading")/>
        </Show>
        <ul class="items">{move || others.get().into_iter().map(row).collect_view()}</ul>
        <button type="button" class="button quiet" on:click=move |_| refuse.run(())>
            {move || tr_args("full-no", &[("name", asker.get().into())])}
        </button>
        <Confirm
            id="full"
            open=confirming
            danger=true
            title=Signal::derive(move || tr_args("revoke-title", &[("name", chosen_name().into())]))
            yes=text("revoke-yes")
            on_yes=move |()| if let Some((device, _)) = chosen.get_untracked() {
                choose.run(device);
            }
        >
            <p>{text("revoke-what")}</p>
            <p>{text("revoke-kept")}</p>
        </Confirm>
    }
}
