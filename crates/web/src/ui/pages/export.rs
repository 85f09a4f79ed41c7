//! A conversation, or all of them, as a file of one's own.

use diario_protocol::ConversationId;
use diario_web_api::{Ask, Export, Problem};
use js_sys::Array;
use leptos::prelude::*;
use wasm_bindgen::JsCast as _;
use web_sys::{Blob, BlobPropertyBag, HtmlAnchorElement, Url};

use super::parts::{Card, Progress};
use super::problem::problem_text;
use crate::actions;
use crate::state::{State, use_state};
use crate::text::{language, number, text, tr, tr_args};

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

/// What an export is asked for with. Copies mean the same.
#[derive(Clone, Copy)]
struct Exporter {
    state: State,
    /// Only this conversation; `None`: all.
    of: Option<ConversationId>,
    standing: RwSignal<Standing>,
    /// Counts what makes earlier exports void.
    turn: StoredValue<u32>,
}

/// The card about saving a conversation, or all of them.
#[component]
pub(super) fn ExportCard(
    /// Which; `None`: all.
    of: Option<ConversationId>,
    /// What the file is called.
    #[prop(into)]
    name: Signal<String>,
) -> impl IntoView {
    let exporter = Exporter {
        state: use_state(),
        of,
        standing: RwSignal::new(Standing::None),
        turn: StoredValue::new(0),
    };
    let standing = exporter.standing;
    let busy = Memo::new(move |_| matches!(&*standing.read(), Standing::Busy(..)));
    let begin = move |page: bool| {
        if !busy.get_untracked() {
            exporter.begin(name.get_untracked(), page);
        }
    };
    let keys = match of {
        Some(_) => ["export-title", "export-hint", "export-incomplete"],
        None => ["export-all-title", "export-all-hint", "export-all-incomplete"],
    };
    let outcome = move || match standing.get() {
        Standing::None | Standing::Busy(..) => None,
        Standing::Done(incomplete) => {
            let key = if incomplete { keys[2] } else { "export-done" };
            Some(view! { <p class="hint" role="status">{tr(key)}</p> }.into_any())
        }
        Standing::Failed(problem) => {
            Some(view! { <p class="error" role="alert">{problem_text(&problem)}</p> }.into_any())
        }
    };
    view! {
        <Card title=text(keys[0])>
            <p class="hint">{text(keys[1])}</p>
            <Show
                when=move || busy.get()
                fallback=move || view! {
                    <div class="choices">
                        <button type="button" class="button" on:click=move |_| begin(true)>{text("export-page")}</button>
                        <button type="button" class="button" on:click=move |_| begin(false)>{text("export-data")}</button>
                    </div>
                }
            >
                <Writing exporter/>
            </Show>
            {outcome}
        </Card>
    }
}

/// How far it has come, and calling it off.
#[component]
fn Writing(exporter: Exporter) -> impl IntoView {
    let so_far = move || match *exporter.standing.read() {
        Standing::Busy(done, total) => (done, total),
        _ => (0, 0),
    };
    let percent = move || {
        let (done, total) = so_far();
        done * 100 / total.max(1)
    };
    let figures = move || {
        let (done, total) = so_far();
        tr_args("export-busy", &[("done", number(done).into()), ("total", number(total).into())])
    };
    view! {
        <Progress label=text("export-progress") percent=Signal::derive(percent) figures=Signal::derive(figures)>
            <span></span>
            <button type="button" class="button" on:click=move |_| exporter.call_off()>{text("dialog-cancel")}</button>
        </Progress>
    }
}

impl Exporter {
    fn begin(self, name: String, page: bool) {
        let turn = self.turn.get_value() + 1;
        self.turn.set_value(turn);
        self.standing.set(Standing::Busy(0, 0));
        leptos::task::spawn_local(async move {
            let done = match self.write(turn, page).await {
                Ok(Some((parts, incomplete))) => {
                    hand_over(&parts, &name, page);
                    Standing::Done(incomplete)
                }
                Ok(None) => return,
                Err(problem) => Standing::Failed(problem),
            };
            self.standing.try_set(done);
        });
    }

    fn call_off(self) {
        self.turn.update_value(|turn| *turn += 1);
        self.standing.set(Standing::None);
    }

    /// The whole file, piece by piece, and whether older parts are not in it; `None` if it was called off.
    async fn write(self, turn: u32, page: bool) -> Result<Option<(Array, bool)>, Problem> {
        let parts = Array::new();
        let asked = Export {
            conversation: self.of,
            notes: tr("title-self"),
            language: language().tag().to_owned(),
            page: page.then(words),
        };
        let mut ask = Ask::Export(Box::new(asked));
        for number in 1.. {
            let next = actions::export(self.state, ask).await;
            // Who has gone from the page has called it off, too.
            if self.turn.try_get_value() != Some(turn) {
                break;
            }
            let next = next?;
            let Some(piece) = next.piece else { return Ok(Some((parts, next.incomplete > 0))) };
            parts.push(&piece.into());
            self.standing.try_set(Standing::Busy(next.done, next.total));
            ask = Ask::ExportMore(number);
        }
        Ok(None)
    }
}

/// What the page says in the user's language.
fn words() -> [String; 10] {
    // What is filled in stands there for itself: the file is not of this page.
    let plain = |text: String| text.replace(['\u{2068}', '\u{2069}'], "");
    let gap = || "{}".into();
    [
        tr("conversations"),
        plain(tr_args("export-made", &[("name", gap()), ("date", gap())])),
        plain(tr_args("export-joined", &[("names", gap())])),
        plain(tr_args("export-left", &[("names", gap())])),
        tr("message-erased"),
        tr("message-gone"),
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
