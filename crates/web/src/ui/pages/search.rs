//! Looking for messages.

use diario_protocol::ConversationKind;
use diario_web_api::{Hit, Hits};
use leptos::html;
use leptos::prelude::*;

use super::filling::FetchRest;
use super::parts::{Busy, Field, Page};
use super::problem::problem_text;
use crate::finding::Finding;
use crate::model::Place;
use crate::state::{State, use_state};
use crate::text::{text, tr, tr_args};
use crate::ui::icons::{Icon, icon};
use crate::ui::{avatar, browser, naming, when};

/// The page.
#[component]
pub(crate) fn Search() -> impl IntoView {
    let state = use_state();
    let finding = state.finding;
    let node = NodeRef::<html::Input>::new();
    node.on_load(move |input| {
        // Who comes back from a message goes on where they were.
        if finding.scrolled.get_value() == 0 {
            request_animation_frame(move || {
                browser::focus(&input);
                input.select();
            });
        } else {
            request_animation_frame(move || scroll_to(finding.scrolled.get_value()));
        }
    });
    finding.again_if_incomplete(state);
    Effect::new(move || finding.look(state));
    // More of the history is here, and may have what is looked for.
    let fetched = Memo::new(move |_| state.filling.get().map(|f| (f.fetched, f.missing)));
    Effect::new(move |before: Option<Option<(u64, u64)>>| {
        let now = fetched.get();
        // Known for the first time, it may be another than when was searched.
        if before.is_some_and(|before| before != now) {
            finding.grow(state);
        }
        now
    });
    on_cleanup(move || {
        if let Some(page) = browser::find(".page-scroll") {
            finding.scrolled.set_value(page.scroll_top());
        }
    });
    view! {
        <Page title=text("find-title")>
            <search class="find">
                <div class="list-search find-words">
                    {icon(Icon::Search)}
                    <input
                        class="input"
                        id="find-words"
                        type="search"
                        autocomplete="off"
                        spellcheck="false"
                        enterkeyhint="search"
                        dir="auto"
                        maxlength="500"
                        aria-label=move || tr("find-title")
                        aria-describedby="find-hint"
                        placeholder=move || tr("find-placeholder")
                        bind:value=finding.words
                        node_ref=node
                    />
                </div>
                <Scope finding/>
                <Filters finding/>
            </search>
            <Found finding/>
        </Page>
    }
}

fn scroll_to(top: i32) {
    if let Some(page) = browser::find(".page-scroll") {
        page.set_scroll_top(top);
    }
}

/// Where: in all conversations, or in one.
#[component]
fn Scope(finding: Finding) -> impl IntoView {
    let state = use_state();
    let title = Memo::new(move |_| {
        let row = state.row(finding.conversation.get()?)?;
        Some(naming::title(&row.read()))
    });
    move || {
        title.get().map(|title| {
            view! {
                <p class="find-scope">
                    <span class="chip">
                        <bdi>{tr_args("find-only-in", &[("title", title.into())])}</bdi>
                        <button
                            type="button"
                            class="chip-away"
                            aria-label=move || tr("find-everywhere")
                            title=move || tr("find-everywhere")
                            on:click=move |_| {
                                finding.conversation.set(None);
                                if let Some(input) = browser::find("#find-words") {
                                    browser::focus(&input);
                                }
                            }
                        >
                            {icon(Icon::Close)}
                        </button>
                    </span>
                </p>
            }
        })
    }
}

/// Who said it, and when.
#[component]
fn Filters(finding: Finding) -> impl IntoView {
    let open = finding.is_filtered();
    let day = move |id: &'static str, label: &'static str, value: RwSignal<String>| {
        view! {
            <div class="field">
                <label for=id>{text(label)}</label>
                <input class="input" id=id type="date" bind:value=value/>
            </div>
        }
    };
    view! {
        <details class="find-filters" open=open>
            <summary>{text("find-filters")}</summary>
            <div class="find-fields">
                <Field id="find-from" label=text("find-from") value=finding.from exact=true max=100/>
                {day("find-since", "find-since", finding.since)}
                {day("find-until", "find-until", finding.until)}
            </div>
        </details>
    }
}

#[component]
fn Found(finding: Finding) -> impl IntoView {
    let said = move || match &*finding.found.read() {
        Some(Ok(hits)) if hits.hits.is_empty() => tr("find-nothing"),
        Some(Ok(hits)) if hits.more.is_some() => {
            tr_args("find-count-more", &[("count", hits.hits.len().into())])
        }
        Some(Ok(hits)) => tr_args("find-count", &[("count", hits.hits.len().into())]),
        Some(Err(problem)) => problem_text(problem),
        None => tr("find-hint"),
    };
    let more = Memo::new(move |_| matches!(&*finding.found.read(), Some(Ok(Hits { more: Some(_), .. }))));
    let state = use_state();
    view! {
        <p class="find-status hint" id="find-hint" role="status">{said}</p>
        <Missing finding/>
        {move || {
            let found = finding.found.read();
            match &*found {
                Some(Ok(hits)) => Some(months(state, &hits.hits)),
                _ => None,
            }
        }}
        <Show when=move || more.get()>
            <button
                type="button"
                class="button find-more"
                prop:disabled=finding.busy
                on:click=move |_| finding.more(state)
            >
                {text("find-more")}
            </button>
        </Show>
    }
}

/// What could not be searched.
#[component]
fn Missing(finding: Finding) -> impl IntoView {
    let missing = Memo::new(move |_| match &*finding.found.read() {
        Some(Ok(hits)) => (hits.incomplete, hits.complete_since, hits.unindexed),
        _ => (0, None, 0),
    });
    move || {
        let (incomplete, since, unindexed) = missing.get();
        let words = since.map_or_else(
            || tr("find-incomplete"),
            |since| tr_args("find-complete-since", &[("date", when::date(since).into())]),
        );
        view! {
            {(unindexed > 0).then(|| view! {
                <Busy what=Signal::derive(move || tr_args("find-unindexed", &[("count", unindexed.into())]))/>
            })}
            {(incomplete > 0).then(|| view! {
                <section class="card find-missing" aria-label=text("history-title")>
                    <p>{words}</p>
                    <FetchRest/>
                </section>
            })}
        }
    }
}

/// The hits, under the month in which they were said.
fn months(state: State, hits: &[Hit]) -> impl IntoView + use<> {
    let mut months: Vec<(String, Vec<AnyView>)> = Vec::new();
    for hit in hits {
        let month = when::month(hit.sent_at);
        if months.last().is_none_or(|(last, _)| *last != month) {
            months.push((month, Vec::new()));
        }
        if let Some((_, shown)) = months.last_mut() {
            shown.push(one(state, hit));
        }
    }
    months
        .into_iter()
        .map(|(month, hits)| {
            view! {
                <section class="find-month">
                    <h2 class="card-title">{month}</h2>
                    <ul class="hits">{hits}</ul>
                </section>
            }
        })
        .collect_view()
}

/// A hit: where, who, when, and the words.
fn one(state: State, hit: &Hit) -> AnyView {
    let place = match hit.seq {
        Some(seq) => Place::At(hit.conversation, seq),
        None => Place::Conversation(hit.conversation),
    };
    let row = state.row_now(hit.conversation);
    let title = row.as_ref().map(naming::title).unwrap_or_default();
    let mark = row.as_ref().map(avatar::conversation);
    // In the notes to self, and from the other one of two, it is clear who says it.
    let who = match row.as_ref().map(|row| row.kind) {
        Some(ConversationKind::SelfConversation) => None,
        Some(ConversationKind::Direct) if !hit.mine => None,
        _ if hit.mine => Some(tr("message-you")),
        _ => Some(format!("{}:", hit.sender)).filter(|_| !hit.sender.is_empty()),
    };
    let who = who.map(|who| view! { <span class="hit-who"><bdi>{who}</bdi>" "</span> });
    let at = hit.sent_at;
    let words = hit
        .pieces
        .iter()
        .map(|piece| {
            let text = piece.text.clone();
            if piece.found { view! { <mark>{text}</mark> }.into_any() } else { text.into_any() }
        })
        .collect_view();
    view! {
        <li>
            <a class="hit" href=place.path()>
                {mark}
                <span class="row-words">
                    <span class="row-line">
                        <span class="row-title" dir="auto">{title}</span>
                        <time class="row-time" title=when::exact(at)>{when::listed(state, at)}</time>
                    </span>
                    <span class="hit-words" dir="auto">
                        {who}
                        {words}
                    </span>
                </span>
            </a>
        </li>
    }
    .into_any()
}
