//! What should be known though nobody asked: a new version, an account that cannot be recovered, storage that may go.

use diario_web_api::{Account, Connection, Stage, StoreKind};
use leptos::prelude::*;

use crate::actions;
use crate::model::Place;
use crate::pwa::{apply_update, storage, use_pwa};
use crate::state::{clock, use_state};
use crate::text::{text, tr};
use crate::ui::icons::{Icon, icon};

/// Where is kept when the reminder was put away, in ms since 1970.
const REMINDED: &str = "diario.reminded";
/// How long it stays away.
const WEEK_MS: u64 = 7 * 24 * 3_600_000;

/// The notices, for the place below the list.
#[component]
pub(crate) fn Notices() -> impl IntoView {
    view! {
        <div class="notices">
            <Update/>
            <NoRecovery/>
        </div>
    }
}

#[component]
fn Update() -> impl IntoView {
    let pwa = use_pwa();
    view! {
        <div role="status">
            <Show when=move || pwa.update.get()>
                <section class="notice" id="update">
                    <p class="notice-title">{text("update-ready")}</p>
                    <p class="hint">{text("update-hint")}</p>
                    <div class="notice-buttons">
                        <button type="button" class="button primary small" on:click=move |_| apply_update()>
                            {text("update-now")}
                        </button>
                        <button type="button" class="button quiet small" on:click=move |_| pwa.update.set(false)>
                            {text("update-later")}
                        </button>
                    </div>
                </section>
            </Show>
        </div>
    }
}

/// An account that cannot be recovered is lost with its devices.
#[component]
fn NoRecovery() -> impl IntoView {
    let state = use_state();
    let put_away = RwSignal::new(was_put_away());
    let kept = RwSignal::new(None::<bool>);
    let ready = Memo::new(move |_| {
        let may = |account: &Account| account.primary && account.stage == Stage::Active;
        let live = matches!(state.status.read().connection, Connection::Live);
        live && state.account.read().as_ref().is_some_and(may)
    });
    Effect::new(move || {
        if ready.get() && !put_away.get_untracked() {
            leptos::task::spawn_local(async move {
                // Asked again at the next connection; without an answer nothing is claimed.
                if let Ok(methods) = actions::recovery_methods(state).await {
                    state.methods.set(Some(methods));
                }
                let promised = storage::is_persistent().await;
                kept.try_set(promised);
            });
        }
    });
    let none = Memo::new(move |_| {
        // Whoever has just gone on without one was told.
        let told = state.nav.place() == Place::FirstKey || was_put_away();
        ready.get() && !told && !put_away.get() && state.methods.read().as_ref().is_some_and(Vec::is_empty)
    });
    let browser_may_drop =
        move || kept.get() == Some(false) && matches!(*state.store.read(), StoreKind::Disk);
    let away = move |_| {
        put_reminder_away();
        put_away.set(true);
    };
    view! {
        <Show when=move || none.get()>
            <section class="notice" id="no-recovery" aria-labelledby="no-recovery-title">
                <button type="button" class="icon-button notice-close" aria-label=text("toast-dismiss") on:click=away>
                    {icon(Icon::Close)}
                </button>
                <h2 class="notice-title" id="no-recovery-title">{text("no-recovery-title")}</h2>
                <p class="hint">{text("no-recovery-what")}</p>
                {move || browser_may_drop().then(|| view! { <p class="hint">{move || tr("no-recovery-storage")}</p> })}
                <a class="button primary small" href=Place::Recovery.path()>{text("recovery-make-key")}</a>
            </section>
        </Show>
    }
}

/// Says nothing of it for a week.
pub(super) fn put_reminder_away() {
    storage::keep(REMINDED, &clock().to_string());
}

fn was_put_away() -> bool {
    let at = storage::kept(REMINDED).and_then(|at| at.parse().ok());
    at.is_some_and(|at: u64| clock().saturating_sub(at) < WEEK_MS)
}
