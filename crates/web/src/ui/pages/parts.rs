//! What pages are made of: the frame, cards, fields, switches, the mark.

use leptos::prelude::*;
use leptos::svg;

use crate::state::use_state;
use crate::text::tr;
use crate::ui::browser;
use crate::ui::icons::{Icon, icon};

/// A page: a head with the way back and a title, and below it what can be scrolled.
///
/// The title takes the focus when the page opens, so that a screen reader says where one is.
#[component]
pub(crate) fn Page(
    /// What the page is about.
    #[prop(into)]
    title: Signal<String>,
    /// Whether the page lies below another page, so that the way back is there beside the list too.
    #[prop(optional)]
    below: bool,
    children: Children,
) -> impl IntoView {
    let state = use_state();
    let heading = NodeRef::<leptos::html::H1>::new();
    heading.on_load(|heading| browser::focus(&heading));
    view! {
        <section class="page">
            <header class="page-head">
                <button
                    type="button"
                    class="icon-button page-back"
                    class:below=below
                    aria-label=move || tr("page-back")
                    on:click=move |_| if below { state.nav.up() } else { state.nav.back() }
                >
                    {icon(Icon::Back)}
                </button>
                <h1 tabindex="-1" node_ref=heading>{title}</h1>
            </header>
            <div class="page-scroll scroll">
                <div class="page-body">{children()}</div>
            </div>
        </section>
    }
}

/// A part of a page under a heading of its own.
#[component]
pub(crate) fn Card(
    /// The heading.
    #[prop(into)]
    title: Signal<String>,
    /// What sets this part apart, as a class.
    #[prop(optional)]
    kind: &'static str,
    children: Children,
) -> impl IntoView {
    view! {
        <section class=format!("card {kind}")>
            <h2 class="card-title">{title}</h2>
            {children()}
        </section>
    }
}

/// A line of text to fill in, with its label, what to know about it and what is wrong with it.
#[component]
pub(crate) fn Field(
    /// Its id, of which those of its texts are made.
    id: &'static str,
    /// What it is for.
    #[prop(into)]
    label: Signal<String>,
    /// What is in it.
    value: RwSignal<String>,
    /// What to know before.
    #[prop(optional, into)]
    hint: MaybeProp<String>,
    /// What is wrong with it.
    #[prop(optional, into)]
    error: MaybeProp<String>,
    /// Whether it holds a name or a code: nothing is to be corrected in it.
    #[prop(optional)]
    exact: bool,
    /// How the browser may fill it in.
    #[prop(default = "off")]
    autocomplete: &'static str,
    /// The most characters.
    #[prop(default = 200)]
    max: u32,
    /// Called when the field is left.
    #[prop(optional, into)]
    on_leave: Option<Callback<()>>,
    /// The element.
    #[prop(optional)]
    node: NodeRef<leptos::html::Input>,
) -> impl IntoView {
    let hint_id = format!("{id}-hint");
    let error_id = format!("{id}-error");
    let wrong = move || error.get().is_some_and(|error| !error.is_empty());
    let described = {
        let (hint_id, error_id) = (hint_id.clone(), error_id.clone());
        move || match (hint.get().is_some(), wrong()) {
            (true, true) => Some(format!("{error_id} {hint_id}")),
            (true, false) => Some(hint_id.clone()),
            (false, true) => Some(error_id.clone()),
            (false, false) => None,
        }
    };
    let given = exact.then_some("none");
    view! {
        <div class="field">
            <label for=id>{label}</label>
            <input
                class="input"
                id=id
                type="text"
                autocomplete=autocomplete
                autocapitalize=given
                spellcheck=if exact { "false" } else { "true" }
                dir="auto"
                maxlength=max.to_string()
                aria-invalid=move || wrong().then_some("true")
                aria-describedby=described
                bind:value=value
                on:blur=move |_| {
                    // A field that is taken away loses the focus, and who was to be told is gone already.
                    if let Some(leave) = on_leave {
                        let _ = leave.try_run(());
                    }
                }
                node_ref=node
            />
            <p class="error" id=error_id role="alert">{move || error.get()}</p>
            <Show when=move || hint.get().is_some()>
                <p class="hint" id=hint_id.clone()>{move || hint.get()}</p>
            </Show>
        </div>
    }
}

/// Something that is on or off.
#[component]
pub(crate) fn Switch(
    /// Its id.
    id: &'static str,
    /// What it is.
    #[prop(into)]
    label: Signal<String>,
    /// What follows of it.
    #[prop(optional, into)]
    hint: MaybeProp<String>,
    /// Whether it is on.
    #[prop(into)]
    on: Signal<bool>,
    /// Whether it cannot be changed now.
    #[prop(optional, into)]
    disabled: Signal<bool>,
    /// Called with what it is to become.
    #[prop(into)]
    change: Callback<bool>,
) -> impl IntoView {
    let hint_id = format!("{id}-hint");
    let described = hint_id.clone();
    view! {
        <div class="switch">
            <div>
                <label for=id>{label}</label>
                <p class="hint" id=hint_id>{move || hint.get()}</p>
            </div>
            <input
                class="switch-input"
                id=id
                type="checkbox"
                role="switch"
                aria-describedby=described
                prop:checked=on
                prop:disabled=disabled
                on:change:target=move |event| {
                    let wanted = event.target().checked();
                    // What it shows is what is true: it moves when that has changed.
                    event.target().set_checked(on.get_untracked());
                    change.run(wanted);
                }
            />
        </div>
    }
}

/// Something goes on.
#[component]
pub(crate) fn Busy(
    /// What.
    #[prop(into)]
    what: Signal<String>,
) -> impl IntoView {
    view! {
        <p class="busy" role="status">
            <span class="spinner" aria-hidden=true.to_string()></span>
            <span>{what}</span>
        </p>
    }
}

/// How far something has come.
#[component]
pub(super) fn Progress(
    /// What.
    #[prop(into)]
    label: Signal<String>,
    /// How much of it is done.
    #[prop(into)]
    percent: Signal<u64>,
    /// The same in figures.
    #[prop(into)]
    figures: Signal<String>,
    /// What is left.
    #[prop(optional, into)]
    left: MaybeProp<String>,
    /// How it stands, and the button that stops it.
    children: Children,
) -> impl IntoView {
    view! {
        <div class="progress">
            <progress aria-label=label max="100" prop:value=move || percent.get()></progress>
            <p class="progress-figures">
                <span>{figures}</span>
                <span>{move || left.get()}</span>
            </p>
            <div class="progress-line">{children()}</div>
        </div>
    }
}

/// Waits so many milliseconds.
pub(super) async fn pause(ms: u64) {
    let (tell, told) = futures_channel::oneshot::channel();
    set_timeout(
        move || {
            // Whoever waited may be gone.
            let _ = tell.send(());
        },
        std::time::Duration::from_millis(ms),
    );
    // The timer fires once.
    let _ = told.await;
}

/// The mark: an open diary whose right page speaks, and a ribbon in it.
pub(crate) fn mark() -> impl IntoView {
    let shape = |class: &'static str, path: &'static str| svg::path().attr("class", class).attr("d", path);
    svg::svg()
        .attr("class", "mark")
        .attr("viewBox", "80 92 352 316")
        .attr("width", "132")
        .attr("height", "118")
        .attr("aria-hidden", "true")
        .child((
            shape(
                "mark-left",
                "M247 162c-26-22-74-33-131-32a20 20 0 0 0-20 20v180a20 20 0 0 0 20 20c57-1 105 8 131 30z",
            ),
            shape("mark-lines", "M133 190c30 0 54 4 76 13M133 238c30 0 54 4 76 13M133 286c22 0 40 2 56 7"),
            shape(
                "mark-right",
                "M265 162c26-22 74-33 131-32a20 20 0 0 1 20 20v248c-26-6-51-24-67-46-35 3-64 11-84 28z",
            ),
            shape("mark-ribbon", "M324 116a8 8 0 0 1 8-8h32a8 8 0 0 1 8 8v134l-24-21-24 21z"),
        ))
}
