//! Whether the other side of a conversation is who they are taken for.

use diario_protocol::{AccountId, ConversationId};
use diario_web_api::{Ask, Comparison, Member, Problem, SafetyNumber, Trust};
use leptos::prelude::*;

use super::camera::{Camera, NoCamera};
use super::key_changed::KeyChanged;
use super::parts::{Busy, Card, Page};
use super::problem::problem_text;
use super::qr::qr;
use crate::actions;
use crate::state::use_state;
use crate::text::{text, tr, tr_args};
use crate::ui::icons::{Icon, icon};

/// The page.
#[component]
pub(crate) fn Safety(
    /// In which conversation.
    id: ConversationId,
    /// Of whom; `None`: of the other one of two.
    of: Option<AccountId>,
) -> impl IntoView {
    let state = use_state();
    let who = RwSignal::new(None::<Result<Member, Problem>>);
    let look = move || {
        leptos::task::spawn_local(async move {
            let found = actions::members(state, id).await.and_then(|members| {
                let wanted = |member: &Member| of.map_or(!member.me, |account| member.account == account);
                members.into_iter().find(|member| !member.me && wanted(member)).ok_or(Problem::Unknown)
            });
            if who.try_with_untracked(|who| *who != Some(found.clone())) == Some(true) {
                who.set(Some(found));
            }
        });
    };
    // The mark may be set on another device.
    let changed = Memo::new(move |_| state.row(id).map(|row| (row.read().trust, row.read().size)));
    Effect::new(move || {
        // A memo that nobody reads follows nothing itself.
        let _ = changed.get();
        look();
    });
    // The number stays as it is while only what is known of them changes.
    let person = Memo::new(move |_| {
        let who = who.read();
        who.as_ref().map(|who| who.as_ref().map(|m| (m.account, m.username.clone())).map_err(Clone::clone))
    });
    let trust = Memo::new(move |_| match &*who.read() {
        Some(Ok(member)) => member.trust,
        _ => Trust::Unverified,
    });
    view! {
        <Page title=text("safety-title") below=true>
            {move || match person.get() {
                None => view! { <Busy what=text("safety-looking")/> }.into_any(),
                Some(Ok((account, name))) => {
                    let called = StoredValue::new(name.clone());
                    view! {
                        {move || trust.get().is_changed().then(|| view! {
                            <KeyChanged
                                account
                                name=called.get_value()
                                trust=trust.get_untracked()
                                done=move |()| look()
                            />
                        })}
                        <Number account name trust look=move |()| look()/>
                    }
                    .into_any()
                }
                Some(Err(problem)) => view! { <p class="note">{problem_text(&problem)}</p> }.into_any(),
            }}
        </Page>
    }
}

#[component]
fn Number(
    account: AccountId,
    name: String,
    /// What is known of them.
    trust: Memo<Trust>,
    /// Looks again what is known of them.
    #[prop(into)]
    look: Callback<()>,
) -> impl IntoView {
    let state = use_state();
    let number = RwSignal::new(None::<SafetyNumber>);
    let error = RwSignal::new(None::<String>);
    let scanning = RwSignal::new(false);
    let outcome = RwSignal::new(None::<Comparison>);
    let name = StoredValue::new(name);
    let named = move |key: &'static str| tr_args(key, &[("name", name.get_value().into())]);
    Effect::new(move || {
        // A memo that nobody reads follows nothing itself.
        let _ = trust.get();
        leptos::task::spawn_local(async move {
            match actions::safety(state, account).await {
                Ok(found) => drop(number.try_set(found)),
                Err(problem) => drop(error.try_set(Some(problem_text(&problem)))),
            }
        });
    });
    let verified = Memo::new(move |_| number.read().as_ref().is_some_and(|n| n.verified_at.is_some()));
    let mark = move |verified: bool| {
        leptos::task::spawn_local(async move {
            let done = actions::done(state, Ask::SetVerified { account, verified }).await;
            let found = match done {
                Ok(()) => actions::safety(state, account).await,
                Err(problem) => Err(problem),
            };
            match found {
                Ok(found) => {
                    number.try_set(found);
                    let _ = look.try_run(());
                }
                Err(problem) => drop(error.try_set(Some(problem_text(&problem)))),
            }
        });
    };
    let scanned = move |shown: String| {
        leptos::task::spawn_local(async move {
            match actions::compare_safety(state, account, shown).await {
                // Anything else that the camera sees on the way is none of it.
                Ok(Comparison::NotACode) => {}
                Ok(comparison) => {
                    scanning.try_set(false);
                    outcome.try_set(Some(comparison));
                }
                Err(problem) => drop(error.try_set(Some(problem_text(&problem)))),
            }
        });
    };
    let failed = move |why: NoCamera| {
        scanning.set(false);
        error.set(Some(tr(match why {
            NoCamera::Refused => "safety-camera-refused",
            NoCamera::Missing => "safety-camera-missing",
        })));
    };
    view! {
        <p class="lead">{move || named("safety-what")}</p>
        <p class="error" role="alert">{move || error.get()}</p>
        <Show when=move || number.read().is_none() && error.read().is_none()>
            <Busy what=text("safety-looking")/>
        </Show>
        <div role="status">{move || outcome.get().map(|outcome| {
            let (good, key) = match outcome {
                Comparison::Match => (true, "safety-match"),
                Comparison::Mismatch => (false, "safety-mismatch"),
                Comparison::NotACode | Comparison::OtherVersion => (false, "safety-other-version"),
            };
            view! {
                <p class="note verdict" class:grave=!good>
                    {icon(if good { Icon::Tick } else { Icon::Alert })}
                    <span>{move || named(key)}</span>
                </p>
            }
        })}</div>
        <Show when=move || number.read().is_some()>
            <Card title=text("safety-number")>
                <ol class="digits" aria-label=text("safety-number")>
                    {move || number.read().as_ref().map(|number| groups(&number.digits))}
                </ol>
                <p class="hint">{move || named("safety-compare")}</p>
            </Card>
            <Show
                when=move || scanning.get()
                fallback=move || view! {
                    <div class="code-box qr-box">
                        {move || {
                            let number = number.read();
                            number.as_ref().map(|n| qr(&n.code, Signal::derive(|| tr("safety-qr"))))
                        }}
                    </div>
                }
            >
                <Camera on_code=scanned on_failure=failed/>
            </Show>
            <div class="choices">
                <button type="button" class="button" on:click=move |_| {
                    error.set(None);
                    outcome.set(None);
                    scanning.update(|on| *on = !*on);
                }>
                    {move || tr(if scanning.get() { "safety-show" } else { "safety-scan" })}
                </button>
                <button
                    type="button"
                    class="button"
                    class:primary=move || !verified.get()
                    on:click=move |_| mark(!verified.get_untracked())
                >
                    {move || tr(if verified.get() { "safety-unmark" } else { "safety-mark" })}
                </button>
            </div>
            <p class="hint centered">{move || named(if verified.get() { "safety-is-verified" } else { "safety-mark-hint" })}</p>
        </Show>
    }
}

/// Twelve groups of five.
fn groups(digits: &str) -> Vec<impl IntoView + use<>> {
    let group = |at: usize| {
        digits.get(at * 5..at * 5 + 5).map(|group| {
            let group = group.to_owned();
            view! { <li>{group}</li> }
        })
    };
    (0..12).filter_map(group).collect()
}
