//! A conversation as a file of one's own.

use diario_protocol::ConversationId;
use diario_web_api::{Ask, ConversationRow, Export, Problem};
use js_sys::Array;
use leptos::prelude::*;
use wasm_bindgen::JsCast as _;
use web_sys::{Blob, BlobPropertyBag, HtmlAnchorElement, Url};

use super::parts::{Busy, Card};
use super::problem::problem_text;
use crate::actions;
use crate::state::{State, use_state};
use crate::text::{language, text, tr, tr_args};
use crate::ui::naming;

/// How the export stands.
#[derive(Debug, Clone, PartialEq)]
enum Standing {
    /// None was asked for.
    None,
    /// So many of so many messages are written.
    Busy(u64, u64),
    /// It was handed to the browser; whether older parts are not in it.
    Done(bool),
    /// It failed.
    Failed(Problem),
}

/// The part of the details about it.
#[component]
pub(super) fn ExportCard(id: ConversationId, row: Memo<Option<ConversationRow>>) -> impl IntoView {
    let state = use_state();
    let standing = RwSignal::new(Standing::None);
    let busy = Memo::new(move |_| matches!(&*standing.read(), Standing::Busy(..)));
    let begin = move |page: bool| {
        if busy.get_untracked() {
            return;
        }
        standing.set(Standing::Busy(0, 0));
        let title = row.read_untracked().as_ref().map(naming::title).unwrap_or_default();
        leptos::task::spawn_local(async move {
            let done = match write(state, id, page, standing).await {
                Ok((parts, incomplete)) => {
                    hand_over(&parts, &title, page);
                    Standing::Done(incomplete)
                }
                Err(problem) => Standing::Failed(problem),
            };
            standing.try_set(done);
        });
    };
    view! {
        <Card title=text("export-title")>
            <p class="hint">{text("export-hint")}</p>
            <div class="choices">
                <button type="button" class="button" prop:disabled=busy on:click=move |_| begin(true)>
                    {text("export-page")}
                </button>
                <button type="button" class="button" prop:disabled=busy on:click=move |_| begin(false)>
                    {text("export-data")}
                </button>
            </div>
            {move || match standing.get() {
                Standing::None => None,
                Standing::Busy(done, total) => Some(view! {
                    <Busy what=Signal::derive(move || {
                        tr_args("export-busy", &[("done", done.into()), ("total", total.into())])
                    })/>
                }.into_any()),
                Standing::Done(incomplete) => {
                    let key = if incomplete { "export-incomplete" } else { "export-done" };
                    Some(view! { <p class="hint" role="status">{tr(key)}</p> }.into_any())
                }
                Standing::Failed(problem) => {
                    Some(view! { <p class="error" role="alert">{problem_text(&problem)}</p> }.into_any())
                }
            }}
        </Card>
    }
}

/// The whole file, piece by piece, and whether older parts are not in it.
async fn write(
    state: State,
    id: ConversationId,
    page: bool,
    standing: RwSignal<Standing>,
) -> Result<(Array, bool), Problem> {
    let parts = Array::new();
    let asked = Export {
        conversation: Some(id),
        notes: tr("title-self"),
        language: language().tag().to_owned(),
        page: page.then(words),
    };
    let mut ask = Ask::Export(Box::new(asked));
    for number in 1.. {
        let next = actions::export(state, ask).await?;
        let Some(piece) = next.piece else { return Ok((parts, next.incomplete > 0)) };
        parts.push(&piece.into());
        // Who has gone from the page has called it off.
        if standing.try_set(Standing::Busy(next.done, next.total)).is_some() {
            break;
        }
        ask = Ask::ExportMore(number);
    }
    Err(Problem::NotYet)
}

/// What the page says in the user's language.
fn words() -> [String; 9] {
    // What is filled in stands there for itself: the file is not of this page.
    let plain = |text: String| text.replace(['\u{2068}', '\u{2069}'], "");
    let gap = || "{}".into();
    [
        tr("conversations"),
        plain(tr_args("export-made", &[("name", gap()), ("date", gap())])),
        plain(tr_args("export-joined", &[("names", gap())])),
        plain(tr_args("export-left", &[("names", gap())])),
        tr("message-erased"),
        tr("message-waiting"),
        tr("message-refused"),
        tr("message-failed"),
        tr("export-missing"),
    ]
}

/// Gives the file to the browser, which saves it or asks where to.
fn hand_over(parts: &Array, title: &str, page: bool) -> Option<()> {
    let (kind, ending) =
        if page { ("text/html;charset=utf-8", "html") } else { ("application/x-ndjson", "jsonl") };
    let options = BlobPropertyBag::new();
    options.set_type(kind);
    let blob = Blob::new_with_str_sequence_and_options(parts, &options).ok()?;
    let url = Url::create_object_url_with_blob(&blob).ok()?;
    let link: HtmlAnchorElement = document().create_element("a").ok()?.dyn_into().ok()?;
    link.set_href(&url);
    let title: String =
        title.chars().map(|c| if c.is_control() || "/\\:*?\"<>|.".contains(c) { ' ' } else { c }).collect();
    link.set_download(&format!("Diario - {}.{ending}", title.trim()));
    link.click();
    set_timeout(
        move || {
            // What the browser has begun to save it saves.
            let _ = Url::revoke_object_url(&url);
        },
        std::time::Duration::from_mins(1),
    );
    Some(())
}
