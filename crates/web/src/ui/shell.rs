//! The frame around everything: the list, beside it what is open, and beside that its details. On a phone one of
//! them at a time.

use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsCast as _;

use crate::model::Place;
use crate::state::{State, use_state};
use crate::text::tr;
use crate::ui::announce::Announcer;
use crate::ui::banner::Banner;
use crate::ui::conversation::Conversation;
use crate::ui::help::Help;
use crate::ui::icons::{Icon, icon};
use crate::ui::list::List;
use crate::ui::{browser, pages, shortcuts};

/// Everything.
#[component]
pub(crate) fn Shell() -> impl IntoView {
    let state = use_state();
    let help = RwSignal::new(false);
    let shown = RwSignal::new(Vec::new());
    let open = NodeRef::<html::Div>::new();
    shortcuts::listen(state, shown, help);
    follow_keyboard();
    keep_focus(state);
    let place = Memo::new(move |_| state.nav.place());
    let kind = Memo::new(move |_| match place.get() {
        Place::List | Place::Nowhere => "list",
        Place::Conversation(_) | Place::At(..) => "conversation",
        place if place.is_beside() => "details",
        place if place.is_alone() => "welcome",
        _ => "page",
    });
    let listed = Memo::new(move |_| !place.get().is_alone());
    view! {
        <a class="skip" href="#open" on:click=move |event| {
            event.prevent_default();
            if let Some(open) = open.get_untracked() {
                browser::focus(&open);
            }
        }>{move || tr("skip")}</a>
        <Banner/>
        <main class="shell" data-place=kind>
            {move || listed.get().then(|| view! {
                <section class="side" aria-label=move || tr("conversations")><List shown/></section>
            })}
            <div class="open" id="open" tabindex="-1" node_ref=open><Open place/></div>
            <Third place/>
        </main>
        <pages::Notices/>
        <pages::Toasts/>
        <Announcer/>
        <Help open=help/>
    }
}

/// What is open beside the list.
#[component]
fn Open(place: Memo<Place>) -> impl IntoView {
    // The details stand beside the conversation: opening them leaves it as it is.
    let body = Memo::new(move |_| match place.get() {
        // One page, with its steps in the history.
        place if place.is_before_account() => Place::Welcome,
        place => place.conversation().map_or(place, Place::Conversation),
    });
    move || match body.get() {
        Place::Conversation(id)
        | Place::At(id, _)
        | Place::Details(id)
        | Place::Safety(id)
        | Place::SafetyOf(id, _) => view! { <Conversation id/> }.into_any(),
        Place::List | Place::Nowhere => view! { <NothingOpen/> }.into_any(),
        Place::New => view! { <pages::NewConversation/> }.into_any(),
        Place::Search => view! { <pages::Search/> }.into_any(),
        Place::Devices => view! { <pages::Devices/> }.into_any(),
        Place::AddDevice => view! { <pages::AddDevice/> }.into_any(),
        Place::Settings => view! { <pages::Settings/> }.into_any(),
        Place::Recovery => view! { <pages::Recovery/> }.into_any(),
        Place::FirstKey => view! { <pages::FirstKey/> }.into_any(),
        Place::Welcome | Place::Create | Place::Join | Place::Recover => {
            view! { <pages::Welcome/> }.into_any()
        }
    }
}

/// The details of the open conversation.
#[component]
fn Third(place: Memo<Place>) -> impl IntoView {
    let of = Memo::new(move |_| Some(place.get()).filter(|place| place.is_beside()));
    move || {
        let of = of.get()?;
        let page = match of {
            Place::Safety(id) => view! { <pages::Safety id of=None/> }.into_any(),
            Place::SafetyOf(id, account) => view! { <pages::Safety id of=Some(account)/> }.into_any(),
            of => view! { <pages::Details id=of.conversation()?/> }.into_any(),
        };
        Some(view! { <aside class="third" aria-label=move || tr("details")>{page}</aside> })
    }
}

/// A calm page while no conversation is open.
#[component]
fn NothingOpen() -> impl IntoView {
    view! {
        <div class="nothing-open">
            {icon(Icon::Page)}
            <p class="serif">{move || tr("nothing-open")}</p>
            <p class="hint">{icon(Icon::Lock)}<span>{move || tr("nothing-open-hint")}</span></p>
        </div>
    }
}

/// Where the keyboard covers the page instead of making it smaller (the viewport's `interactive-widget` is not
/// known everywhere), the page is made as high as what is seen.
fn follow_keyboard() {
    let Some(viewport) = window().visual_viewport() else { return };
    let seen = viewport.clone();
    let fit = move || {
        let Some(root) = document().document_element() else { return };
        let whole = f64::from(root.client_height());
        let covered = whole - seen.height() - seen.offset_top();
        // Zoomed in, the seen part is small for another reason.
        let keyboard = if seen.scale() < 1.05 && covered > 80.0 { covered } else { 0.0 };
        if let Some(root) = root.dyn_ref::<web_sys::HtmlElement>() {
            let _ = root.style().set_property("--keyboard", &format!("{keyboard}px"));
        }
    };
    let fit = wasm_bindgen::closure::Closure::<dyn Fn()>::new(fit);
    for event in ["resize", "scroll"] {
        // Without it the keyboard covers part of the page; it can still be scrolled.
        let _ = viewport.add_event_listener_with_callback(event, fit.as_ref().unchecked_ref());
    }
    // As long as the page.
    fit.forget();
}

/// A conversation that was begun a moment ago is there after some frames.
const FRAMES: u8 = 30;

/// Puts the focus into the conversation: on a desktop one writes, on a phone the keyboard would cover what is read.
fn focus_conversation(frames: u8) {
    let wanted = if browser::is_touch() { ".talk-title" } else { ".composer textarea" };
    match browser::find(wanted) {
        Some(target) => browser::focus(&target),
        None if frames > 0 => request_animation_frame(move || focus_conversation(frames - 1)),
        // Who is no longer in it does not write.
        None => {
            if let Some(title) = browser::find(".talk-title") {
                browser::focus(&title);
            }
        }
    }
}

/// Puts the focus where one goes: into a conversation, or back on the row from which one came.
fn keep_focus(state: State) {
    Effect::new(move |before: Option<Place>| {
        let place = state.nav.place();
        let Some(before) = before.filter(|before| *before != place) else { return place };
        request_animation_frame(move || match place {
            Place::List => {
                let row =
                    before.conversation().map(|id| format!("a[href='{}']", Place::Conversation(id).path()));
                let target = row.and_then(|row| browser::find(&row)).or_else(|| browser::find(".side h1"));
                if let Some(target) = target {
                    browser::focus(&target);
                }
            }
            Place::Conversation(_) => focus_conversation(FRAMES),
            // The pages do it themselves.
            _ => {}
        });
        place
    });
}
