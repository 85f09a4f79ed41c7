//! The keys there are.

use leptos::html;
use leptos::prelude::*;

use crate::text::tr;

/// Keys, and the text of what they do.
pub(crate) const KEYS: &[(&[&str], &str)] = &[
    (&["Ctrl", "K"], "keys-search"),
    (&["Ctrl", "Shift", "F"], "keys-find"),
    (&["Alt", "N"], "keys-new"),
    (&["Alt", "↑"], "keys-previous"),
    (&["Alt", "↓"], "keys-next"),
    (&["Esc"], "keys-back"),
    (&["Enter"], "keys-send"),
    (&["Shift", "Enter"], "keys-break"),
    (&["Ctrl", "/"], "keys-help"),
];

/// A dialog with them, while `open`.
#[component]
pub(crate) fn Help(
    /// Whether it is open.
    open: RwSignal<bool>,
) -> impl IntoView {
    move || open.get().then(|| view! { <Opened open/> })
}

#[component]
fn Opened(open: RwSignal<bool>) -> impl IntoView {
    let node = NodeRef::<html::Dialog>::new();
    node.on_load(|dialog| {
        // It is in the page and closed: it can be shown.
        let _ = dialog.show_modal();
    });
    let close = move || {
        if let Some(dialog) = node.get_untracked() {
            dialog.close();
        }
    };
    let keys = KEYS.iter().map(|(keys, what)| {
        let keys = keys.iter().map(|key| view! { <kbd>{(*key).to_owned()}</kbd> }).collect_view();
        view! {
            <div class="keys-line">
                <dt>{move || tr(what)}</dt>
                <dd>{keys}</dd>
            </div>
        }
    });
    view! {
        <dialog
            class="dialog keys"
            aria-labelledby="keys-title"
            node_ref=node
            on:close=move |_| open.set(false)
            on:click=move |event| {
                // A click on the dialog itself is one on the shade around its content.
                if event.target() == event.current_target() {
                    close();
                }
            }
        >
            <div class="keys-content">
                <h2 id="keys-title">{move || tr("keys-title")}</h2>
                <dl>{keys.collect_view()}</dl>
                <button type="button" class="button" on:click=move |_| close()>{move || tr("close")}</button>
            </div>
        </dialog>
    }
}
