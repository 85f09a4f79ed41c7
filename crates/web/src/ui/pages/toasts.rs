//! Notices at the edge of the page, for some seconds.

use leptos::prelude::*;

use super::problem::problem_text;
use crate::state::{Notice, State, Toast, use_state};
use crate::text::tr;
use crate::ui::icons::{Icon, icon};

/// The notices. Said aloud by screen readers as they come: the region is there before them.
#[component]
pub(crate) fn Toasts() -> impl IntoView {
    let state = use_state();
    view! {
        <div class="toasts" role="status" aria-live="polite">
            <For each=move || state.toasts.get() key=|toast| toast.id let:toast>{shown(state, toast)}</For>
        </div>
    }
}

fn shown(state: State, toast: Toast) -> impl IntoView {
    let Toast { id, what } = toast;
    let problem = matches!(what, Notice::Problem(_));
    let words = move || match &what {
        Notice::Problem(problem) => problem_text(problem),
        Notice::Text(key) => tr(key),
    };
    view! {
        <div class="toast" class:problem=problem>
            <p>{words}</p>
            <button
                type="button"
                class="icon-button"
                aria-label=move || tr("toast-dismiss")
                on:click=move |_| state.dismiss(id)
            >
                {icon(Icon::Close)}
            </button>
        </div>
    }
}
