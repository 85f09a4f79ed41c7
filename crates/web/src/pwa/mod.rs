//! What makes the page an app: the service worker, notifications, storage that lasts, installing.

pub(crate) mod device;
mod install;
pub(crate) mod metered;
mod notify;
pub(crate) mod passkey;
mod push;
mod reach;
pub(crate) mod storage;
pub(crate) mod theme;
mod update;

use leptos::prelude::*;

use crate::model::Place;
use crate::state::State;

pub(crate) use install::is_installed;
pub(crate) use push::Notifications;
pub(crate) use update::apply_update;

/// What the app is in this browser. Copies mean the same.
#[derive(Clone, Copy)]
pub(crate) struct Pwa {
    state: State,
    /// Whether a newer version waits to take over.
    pub(crate) update: RwSignal<bool>,
    /// Whether the browser offers to install the app.
    pub(crate) installable: RwSignal<bool>,
    /// How it stands with notifications.
    pub(crate) notifications: RwSignal<Notifications>,
    offer: StoredValue<Option<wasm_bindgen::JsValue>, LocalStorage>,
}

/// What the app is in this browser. Only within views.
pub(crate) fn use_pwa() -> Pwa {
    expect_context()
}

/// Begins; once, where the state is made. What comes of it is in the context.
pub(crate) fn start(state: State) {
    let pwa = Pwa {
        state,
        update: RwSignal::new(false),
        installable: RwSignal::new(false),
        notifications: RwSignal::new(push::standing()),
        offer: StoredValue::new_local(None),
    };
    provide_context(pwa);
    pwa.watch_for_update();
    pwa.watch_for_offer();
    pwa.notify_of_messages();
    pwa.keep_subscription();
    metered::tell(state);
    reach::on_message(move |kind, data| match kind {
        // A notification was clicked.
        "open" => {
            let place = reach::text(data, "path").map(|path| Place::of_path(&path));
            if let Some(place) = place.filter(|place| *place != Place::Nowhere) {
                state.go(place);
            }
        }
        "subscription-changed" => pwa.renew_subscription(),
        _ => {}
    });
}
