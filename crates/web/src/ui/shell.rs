//! The frame around everything: the list beside what is open.

use leptos::prelude::*;

use crate::model::Place;
use crate::state::use_state;

/// The panes that belong to the place where one is.
#[component]
pub(crate) fn Shell() -> impl IntoView {
    let state = use_state();
    let place = Memo::new(move |_| state.nav.place());
    view! {
        <main>{move || match place.get() {
            // The pages go here.
            Place::List => "list".into_any(),
            _ => "page".into_any(),
        }}</main>
    }
}
