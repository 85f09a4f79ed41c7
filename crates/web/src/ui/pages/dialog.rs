//! Questions that want an answer before anything else.

use leptos::ev::SubmitEvent;
use leptos::html;
use leptos::prelude::*;

use crate::text::{text, tr};

/// A question in a dialog of the browser's own: the focus stays in it and goes back where it was; Escape is "no".
#[component]
pub(crate) fn Confirm(
    /// Its id, of which that of its title is made.
    id: &'static str,
    /// Whether it is asked.
    open: RwSignal<bool>,
    /// The question.
    #[prop(into)]
    title: Signal<String>,
    /// What "yes" is called: what is done.
    #[prop(into)]
    yes: Signal<String>,
    /// What "no" is called, if not just that.
    #[prop(optional, into)]
    no: MaybeProp<String>,
    /// Whether something is lost by it.
    #[prop(optional)]
    danger: bool,
    /// Called when it is to be done.
    #[prop(into)]
    on_yes: Callback<()>,
    /// Called when it is not.
    #[prop(optional, into)]
    on_no: Option<Callback<()>>,
    children: ChildrenFn,
) -> impl IntoView {
    let node = NodeRef::<html::Dialog>::new();
    let agreed = StoredValue::new(false);
    Effect::new(move || {
        let Some(dialog) = node.get() else { return };
        match (open.get(), dialog.open()) {
            (true, false) => {
                agreed.set_value(false);
                // Refused only when it is open already or not in the page.
                let _ = dialog.show_modal();
            }
            (false, true) => dialog.close(),
            _ => {}
        }
    });
    // The browser tells it a moment later: the page of the dialog may be gone by then.
    let closed = move |_| {
        let (Some(shown), Some(agreed)) = (open.try_get_untracked(), agreed.try_get_value()) else { return };
        if shown {
            open.set(false);
        }
        match (agreed, on_no) {
            (true, _) => drop(on_yes.try_run(())),
            (false, Some(no)) => drop(no.try_run(())),
            (false, None) => {}
        }
    };
    let agree = move |event: SubmitEvent| {
        event.prevent_default();
        agreed.set_value(true);
        open.set(false);
    };
    let title_id = format!("{id}-title");
    let labelled = title_id.clone();
    view! {
        <dialog class="dialog" id=id aria-labelledby=labelled node_ref=node on:close=closed>
            <form class="dialog-body" on:submit=agree>
                <h2 id=title_id>{title}</h2>
                <Show when=move || open.get()>{children()}</Show>
                <div class="dialog-buttons">
                    <button type="button" class="button" on:click=move |_| open.set(false)>
                        {move || no.get().unwrap_or_else(|| tr("dialog-cancel"))}
                    </button>
                    <button type="submit" class="button primary" class:danger=danger>{yes}</button>
                </div>
            </form>
        </dialog>
    }
}

/// Whether everything is to be deleted from this browser.
#[component]
pub(crate) fn ConfirmWipe(
    /// Its id.
    id: &'static str,
    /// Whether it is asked.
    open: RwSignal<bool>,
    /// Called when it is to be done.
    #[prop(into)]
    on_yes: Callback<()>,
    /// What else there is to know, between what is deleted and when the account is lost with it.
    children: ChildrenFn,
) -> impl IntoView {
    let children = StoredValue::new(children);
    view! {
        <Confirm id open danger=true title=text("wipe-ask") yes=text("wipe-yes") on_yes>
            <p>{text("wipe-what")}</p>
            {children.with_value(|children| children())}
            <p>{text("wipe-only")}</p>
        </Confirm>
    }
}
