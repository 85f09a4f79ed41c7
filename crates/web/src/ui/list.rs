//! The conversations. Only the rows in sight are in the page: a thousand are no heavier than twenty.

use diario_protocol::ConversationId;
use leptos::html;
use leptos::prelude::*;

use crate::model::{Place, order, rows};
use crate::state::{State, use_state};
use crate::text::{tr, tr_args};
use crate::ui::icons::{Icon, icon};
use crate::ui::menu::{Menu, MenuAt};
use crate::ui::row::Row;
use crate::ui::status::StatusLine;
use crate::ui::{browser, naming};

/// Height of a row, in rem; the style sheet says the same.
const ROW_REM: f64 = 4.5;

/// The conversations, with a search box and the ways to everything else.
#[component]
pub(crate) fn List(
    /// What is shown, in its order: the keys that go to the next one follow it.
    shown: RwSignal<Vec<ConversationId>>,
) -> impl IntoView {
    let state = use_state();
    let typed = RwSignal::new(String::new());
    let menu = RwSignal::new_local(None::<MenuAt>);
    Effect::new(move |_| {
        let found = found(state, &typed.read());
        if *shown.read_untracked() != found {
            shown.set(found);
        }
    });
    let alone = move || matches!(state.nav.place(), Place::List);
    view! {
        <header class="list-head">
            {move || {
                // One heading of the first rank: the list has it while nothing else is open.
                if alone() {
                    view! { <h1 class="wordmark" tabindex="-1">{"Diario".to_owned()}</h1> }.into_any()
                } else {
                    view! { <p class="wordmark">{"Diario".to_owned()}</p> }.into_any()
                }
            }}
            <nav class="list-ways" aria-label=move || tr("ways")>
                <Way place=Place::Devices which=Icon::Devices label="ways-devices"/>
                <Way place=Place::Settings which=Icon::Settings label="ways-settings"/>
                <Way place=Place::New which=Icon::Write label="ways-new"/>
            </nav>
            <StatusLine/>
        </header>
        <search class="list-search">
            {icon(Icon::Search)}
            <input
                class="input"
                id="search"
                type="search"
                autocomplete="off"
                spellcheck="false"
                enterkeyhint="search"
                aria-label=move || tr("search")
                placeholder=move || tr("search")
                bind:value=typed
                on:keydown=move |event| {
                    if event.key() == "Enter" && !event.is_composing() && !typed.read_untracked().trim().is_empty() {
                        event.prevent_default();
                        find(state, typed);
                    } else if event.key() == "Escape" && !typed.read_untracked().is_empty() {
                        event.prevent_default();
                        typed.set(String::new());
                    }
                }
            />
        </search>
        {move || (!typed.read().trim().is_empty()).then(|| view! {
            <button type="button" class="list-find" on:click=move |_| find(state, typed)>
                {icon(Icon::Search)}
                <span>{move || tr_args("find-words", &[("words", typed.read().trim().to_owned().into())])}</span>
            </button>
        })}
        <Rows shown menu/>
        {move || shown.read().is_empty().then(|| view! { <Nothing typed/> })}
        <Menu at=menu/>
    }
}

/// Looks for what was typed in all messages.
fn find(state: State, typed: RwSignal<String>) {
    state.finding.words.set(typed.get_untracked());
    state.finding.open(state, None);
}

/// The conversations that a search finds, in order.
fn found(state: State, typed: &str) -> Vec<ConversationId> {
    let order = state.order.read();
    if typed.trim().is_empty() {
        return order.clone();
    }
    state.named.track();
    let is_found = |id: &ConversationId| {
        state.row_now(*id).is_some_and(|row| {
            order::found(&naming::title(&row), typed)
                || row.others.iter().any(|name| order::found(name, typed))
        })
    };
    order.iter().copied().filter(is_found).collect()
}

#[component]
fn Way(place: Place, which: Icon, label: &'static str) -> impl IntoView {
    let state = use_state();
    view! {
        <a
            class="icon-button"
            class:main-way=matches!(place, Place::New)
            href=place.path()
            aria-label=move || tr(label)
            title=move || tr(label)
            aria-current=move || (state.nav.place() == place).then_some("page")
        >
            {icon(which)}
        </a>
    }
}

#[component]
fn Rows(shown: RwSignal<Vec<ConversationId>>, menu: RwSignal<Option<MenuAt>, LocalStorage>) -> impl IntoView {
    let scroller = NodeRef::<html::Div>::new();
    let seen = RwSignal::new((0.0, 800.0));
    let height = StoredValue::new(ROW_REM * browser::rem());
    let look = move || {
        if let Some(scroller) = scroller.try_get_untracked().flatten() {
            let now = (f64::from(scroller.scroll_top()), f64::from(scroller.client_height()));
            if now != seen.get_untracked() {
                seen.set(now);
            }
        }
    };
    scroller.on_load(move |element| {
        look();
        browser::on_resize(&[element.as_ref()], move || {
            height.set_value(ROW_REM * browser::rem());
            look();
        });
    });
    let range = Memo::new(move |_| {
        let (top, room) = seen.get();
        rows::in_sight(top, room, height.get_value(), shown.read().len())
    });
    let in_sight = Memo::new(move |_| {
        let range = range.get();
        shown.read().get(range).map(<[ConversationId]>::to_vec).unwrap_or_default()
    });
    #[expect(clippy::cast_precision_loss, reason = "numbers of rows")]
    let pixels = move |rows: usize| format!("{}px", rows as f64 * height.get_value());
    let count = Memo::new(move |_| shown.read().len());
    view! {
        <div class="rows scroll" node_ref=scroller on:scroll=move |_| look() tabindex="-1">
            <ul
                aria-label=move || tr("conversations")
                style:padding-block-start=move || pixels(range.get().start)
                style:padding-block-end=move || pixels(count.get().saturating_sub(range.get().end))
            >
                <ForEnumerate each=move || {
                    let rows = in_sight.get();
                    // Right before the rows are put into another order.
                    keep_focus(scroller);
                    rows
                } key=|id| *id let(index, id)>
                    <Row id position=Signal::derive(move || range.get().start + index.get() + 1) count menu/>
                </ForEnumerate>
            </ul>
        </div>
    }
}

/// Gives the focus back to what has it in the list: browsers take it from an element that is moved. If its row goes
/// out of the page the list itself has it.
fn keep_focus(scroller: NodeRef<html::Div>) {
    let Some(scroller) = scroller.try_get_untracked().flatten() else { return };
    let Some(focused) = browser::focused().filter(|focused| scroller.contains(Some(focused))) else { return };
    leptos::task::spawn_local(async move {
        leptos::task::tick().await;
        // Who has it by now keeps it.
        if browser::focused().is_none_or(|now| now.tag_name() == "BODY") {
            browser::focus(if focused.is_connected() { &focused } else { &scroller });
        }
    });
}

/// What is said when there is nothing to list.
#[component]
fn Nothing(typed: RwSignal<String>) -> impl IntoView {
    let state = use_state();
    move || {
        let searching = !typed.read().trim().is_empty();
        match (state.ready.get(), searching) {
            (false, _) => view! { <p class="nothing" role="status">{tr("opening")}</p> }.into_any(),
            (true, true) => view! { <p class="nothing" role="status">{tr("search-nothing")}</p> }.into_any(),
            (true, false) => view! {
                <div class="nothing">
                    {icon(Icon::Page)}
                    <p class="serif">{tr("list-empty")}</p>
                    <p class="hint">{tr("list-empty-hint")}</p>
                    <a class="button primary" href=Place::New.path()>{tr("ways-new")}</a>
                </div>
            }
            .into_any(),
        }
    }
}
