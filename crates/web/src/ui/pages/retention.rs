//! For how long the server keeps what is said in a conversation.

use diario_protocol::{ConversationId, Retention};
use diario_web_api::{Ask, ConversationRow, Problem};
use leptos::ev::SubmitEvent;
use leptos::prelude::*;

use super::dialog::Confirm;
use super::parts::{Busy, Card, Field, Switch};
use super::problem::problem_text;
use crate::actions;
use crate::state::use_state;
use crate::text::{text, tr, tr_args};

/// Days that are offered; any other number can be written.
const DAYS: [u32; 3] = [7, 30, 365];

/// The card.
#[component]
pub(super) fn RetentionCard(id: ConversationId, row: Memo<Option<ConversationRow>>) -> impl IntoView {
    let state = use_state();
    let agreed = Memo::new(move |_| row.read().as_ref().map(|row| row.keep).unwrap_or_default());
    let servers = Memo::new(move |_| {
        state.account.read().as_ref().map(|account| account.server_keeps).unwrap_or_default()
    });
    let open = Memo::new(move |_| row.read().as_ref().is_some_and(|row| row.open));
    let busy = RwSignal::new(false);
    let problem = RwSignal::new(None::<Problem>);
    // What is chosen here, until the server has said so; whether it is a number that is not offered.
    let shown = RwSignal::new(agreed.get_untracked());
    let other = RwSignal::new(false);
    Effect::new(move || shown.set(agreed.get()));
    let as_it_was = move || {
        other.try_set(false);
        shown.try_set(agreed.get_untracked());
    };
    let asked = RwSignal::new(false);
    let set = move |keep: Retention| {
        busy.set(true);
        problem.set(None);
        leptos::task::spawn_local(async move {
            let done = actions::done(state, Ask::SetRetention { conversation: id, keep }).await;
            // Gone elsewhere meanwhile: there is nobody to tell.
            if busy.try_set(false).is_none()
                && let Err(found) = done
            {
                as_it_was();
                problem.set(Some(found));
            }
        });
    };
    let choose = move |keep: Retention| {
        let now = agreed.get_untracked();
        shown.set(keep);
        if keep == now {
            return;
        }
        // What is kept for longer is nobody's loss; what is kept for less does not come back.
        if now.shorter(keep) == now { set(keep) } else { asked.set(true) }
    };
    let server_says = move || {
        let servers = servers.get();
        if servers.is_forever() {
            tr("keep-server-forever")
        } else {
            tr_args("keep-server", &[("what", in_words(servers).into())])
        }
    };
    view! {
        <Card title=text("keep-title")>
            <p class="hint">{text("keep-hint")}</p>
            {move || if open.get() {
                view! { <Choices shown other busy choose/> }.into_any()
            } else {
                view! { <p>{move || in_words(agreed.get())}</p> }.into_any()
            }}
            <p class="error" role="alert">{move || problem.get().map(|problem| problem_text(&problem))}</p>
            <Show when=move || busy.get()>
                <Busy what=text("keep-busy")/>
            </Show>
            <p class="hint ruled">{server_says}</p>
            <Confirm
                id="keep-ask"
                open=asked
                danger=true
                title=text("keep-ask")
                yes=text("keep-yes")
                on_yes=move |()| set(shown.get_untracked())
                on_no=move |()| as_it_was()
            >
                <p>{move || tr_args("keep-ask-what", &[("what", in_words(shown.get()).into())])}</p>
                <p>{text("keep-ask-lost")}</p>
            </Confirm>
        </Card>
    }
}

#[component]
fn Choices(
    shown: RwSignal<Retention>,
    other: RwSignal<bool>,
    busy: RwSignal<bool>,
    #[prop(into)] choose: Callback<Retention>,
) -> impl IntoView {
    let days = Memo::new(move |_| shown.get().days);
    let is_other = Memo::new(move |_| other.get() || days.get().is_some_and(|days| !DAYS.contains(&days)));
    let choice = move |wanted: Option<u32>| {
        let label = move || match wanted {
            None => tr("keep-forever"),
            Some(days) => of_days(days),
        };
        view! {
            <label class="choice">
                <input
                    type="radio"
                    name="keep"
                    prop:checked=move || days.get() == wanted && !is_other.get()
                    prop:disabled=busy
                    on:change=move |_| {
                        other.set(false);
                        choose.run(Retention { days: wanted, ..shown.get_untracked() });
                    }
                />
                <span>{label}</span>
            </label>
        }
    };
    view! {
        <div class="choices keep-choices" role="radiogroup" aria-label=text("keep-title")>
            {choice(None)}
            {DAYS.map(|days| choice(Some(days)))}
            <label class="choice">
                <input
                    type="radio"
                    name="keep"
                    prop:checked=is_other
                    prop:disabled=busy
                    on:change=move |_| other.set(true)
                />
                <span>{text("keep-other")}</span>
            </label>
        </div>
        <Show when=move || is_other.get()>
            <Days days busy choose=move |days| {
                choose.run(Retention { days: Some(days), ..shown.get_untracked() });
            }/>
        </Show>
        <Switch
            id="keep-delivered"
            label=text("keep-delivered")
            hint=text("keep-delivered-hint")
            on=Signal::derive(move || shown.get().delivered)
            disabled=busy
            change=move |delivered| choose.run(Retention { delivered, ..shown.get_untracked() })
        />
    }
}

/// Any number of days.
#[component]
fn Days(days: Memo<Option<u32>>, busy: RwSignal<bool>, #[prop(into)] choose: Callback<u32>) -> impl IntoView {
    let written = RwSignal::new(days.get_untracked().map(|days| days.to_string()).unwrap_or_default());
    let error = RwSignal::new(None::<String>);
    let save = move |event: SubmitEvent| {
        event.prevent_default();
        let wanted = written.read_untracked().trim().parse().ok();
        match wanted.filter(|days| Retention { days: Some(*days), delivered: false }.is_valid()) {
            Some(days) => {
                error.set(None);
                choose.run(days);
            }
            None => error.set(Some(tr_args("keep-days-wrong", &[("most", Retention::MOST_DAYS.into())]))),
        }
    };
    view! {
        <form class="gather" on:submit=save novalidate=true>
            <Field id="keep-days" label=text("keep-days") value=written error=error exact=true max=6/>
            <button type="submit" class="button" prop:disabled=busy>{text("rename-save")}</button>
        </form>
    }
}

fn of_days(days: u32) -> String {
    tr_args("keep-for-days", &[("count", days.into())])
}

/// A rule, as a sentence goes on with it.
fn in_words(keep: Retention) -> String {
    match (keep.days, keep.delivered) {
        (None, false) => tr("keep-words-forever"),
        (None, true) => tr("keep-words-delivered"),
        (Some(days), false) => tr_args("keep-words-days", &[("count", days.into())]),
        (Some(days), true) => tr_args("keep-words-both", &[("count", days.into())]),
    }
}
