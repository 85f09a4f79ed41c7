//! What the account can be recovered by: a key of words, passkeys.

pub(super) mod key;

use diario_protocol::{RecoveryId, Timestamp};
use diario_web_api::{Ask, RecoveryAsk, RecoveryMethod};
use leptos::prelude::*;

use super::ago::ago;
use super::dialog::Confirm;
use super::parts::{Busy, Page};
use super::picture::{Picture, picture};
use crate::actions;
use crate::pwa::{device, passkey};
use crate::state::{Notice, State, use_state};
use crate::text::{text, tr, tr_args};

use key::NewKey;

/// The page.
#[component]
pub(crate) fn Recovery() -> impl IntoView {
    let state = use_state();
    load(state);
    let may = Memo::new(move |_| state.account.read().as_ref().is_some_and(|account| account.primary));
    let making = RwSignal::new(false);
    let busy = RwSignal::new(false);
    let has_words = Memo::new(move |_| {
        state.methods.read().as_ref().is_some_and(|methods| methods.iter().any(|method| !method.passkey))
    });
    let add_passkey = move |_| {
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        leptos::task::spawn_local(async move {
            make_passkey(state).await;
            busy.try_set(false);
        });
    };
    view! {
        <Page title=text("recovery-title") below=true>
            <Show
                when=move || !making.get()
                fallback=move || view! { <NewKey done=move |_| making.set(false)/> }
            >
                <p class="lead">{text("recovery-what")}</p>
                <Methods may/>
                {move || if may.get() {
                    view! {
                        <div class="recovery-ways">
                            <button type="button" class="button primary" on:click=move |_| making.set(true)>
                                {move || tr(if has_words.get() { "recovery-new-key" } else { "recovery-make-key" })}
                            </button>
                            {passkey::is_supported().then(|| view! {
                                <button type="button" class="button" prop:disabled=busy on:click=add_passkey>
                                    {text("recovery-add-passkey")}
                                </button>
                            })}
                        </div>
                        <p class="hint">{text("recovery-passkey-hint")}</p>
                    }
                    .into_any()
                } else {
                    view! { <p class="note">{text("recovery-not-primary")}</p> }.into_any()
                }}
            </Show>
        </Page>
    }
}

/// Asks what there is.
pub(super) fn load(state: State) {
    leptos::task::spawn_local(async move {
        match actions::recovery_methods(state).await {
            Ok(methods) => state.methods.set(Some(methods)),
            Err(problem) => state.problem(problem),
        }
    });
}

/// Makes a passkey and has the account recovered by it. Whether that was done; if not, why is shown.
pub(super) async fn make_passkey(state: State) -> bool {
    let Some(account) = state.account.get_untracked() else { return false };
    match passkey::create(account.account.as_bytes(), &account.username).await {
        Ok(made) => {
            let ask = RecoveryAsk::AddPasskey {
                output: diario_protocol::Nonce::new(made.output),
                credential: made.credential.into(),
                label: device::suggested_name(),
            };
            let added = actions::done(state, Ask::Recovery(ask)).await;
            load(state);
            let done = added.is_ok();
            if let Err(problem) = added {
                state.problem(problem);
            }
            done
        }
        Err(fault) => {
            state.toast(Notice::Text(fault_text(fault)));
            false
        }
    }
}

/// The text of why there is no passkey.
pub(super) fn fault_text(fault: passkey::Fault) -> &'static str {
    match fault {
        passkey::Fault::Unsupported => "passkey-unsupported",
        passkey::Fault::CalledOff => "passkey-called-off",
        passkey::Fault::WithoutPrf => "passkey-without-prf",
    }
}

#[component]
fn Methods(may: Memo<bool>) -> impl IntoView {
    let state = use_state();
    let removing = RwSignal::new(None::<RecoveryId>);
    let asked = RwSignal::new(false);
    let row = move |method: RecoveryMethod| {
        let (id, passkey, made_at, ready) = (method.id, method.passkey, method.made_at, method.ready);
        let label = StoredValue::new(method.label);
        let name = move || {
            if passkey {
                tr_args("recovery-passkey", &[("name", label.get_value().into())])
            } else {
                tr("recovery-words")
            }
        };
        let when = move || {
            let now = Timestamp(state.now.get());
            if ready {
                tr_args("recovery-made", &[("when", ago(made_at, now).into())])
            } else {
                tr("recovery-not-ready")
            }
        };
        view! {
            <li class="item">
                <span class="item-picture">{picture(if passkey { Picture::Passkey } else { Picture::Words })}</span>
                <div class="item-words">
                    <p class="item-title"><bdi>{name}</bdi></p>
                    <p class="hint">{when}</p>
                </div>
                <Show when=move || may.get()>
                    <div class="item-actions">
                        <button
                            type="button"
                            class="button small danger"
                            aria-label=move || tr_args("recovery-remove-name", &[("name", name().into())])
                            on:click=move |_| {
                                removing.set(Some(id));
                                asked.set(true);
                            }
                        >
                            {text("recovery-remove")}
                        </button>
                    </div>
                </Show>
            </li>
        }
    };
    let remove = move |()| {
        if let Some(id) = removing.get_untracked() {
            leptos::task::spawn_local(async move {
                if let Err(problem) = actions::done(state, Ask::Recovery(RecoveryAsk::Remove(id))).await {
                    state.problem(problem);
                }
                load(state);
            });
        }
    };
    view! {
        {move || match state.methods.get() {
            None => view! { <Busy what=text("recovery-loading")/> }.into_any(),
            Some(methods) if methods.is_empty() => {
                view! { <p class="note">{text("recovery-none")}</p> }.into_any()
            }
            Some(methods) => {
                view! { <ul class="items">{methods.into_iter().map(row).collect_view()}</ul> }.into_any()
            }
        }}
        <Confirm
            id="remove-method"
            open=asked
            danger=true
            title=text("recovery-remove-title")
            yes=text("recovery-remove")
            on_yes=remove
        >
            <p>{text("recovery-remove-what")}</p>
        </Confirm>
    }
}
