//! Looking for messages, and exports, for the pages.

use diario_engine::{
    Engine, EngineError, Export, ExportFormat, ExportWords, LocalTime, SearchHit, SearchPlace, SearchQuery,
};
use diario_protocol::Timestamp;
use diario_web_api as api;

/// Bytes of text that are shown before the first words that were found, and after them.
const BEFORE: usize = 48;
const AFTER: usize = 200;

/// Looks for messages.
pub(crate) fn search(
    device: &mut Engine,
    search: api::Search,
    now: Timestamp,
) -> Result<api::Hits, EngineError> {
    let query = SearchQuery {
        words: search.words,
        conversation: search.conversation,
        from: Some(search.from).filter(|from| !from.trim().is_empty()),
        since: search.since,
        until: search.until,
        after: search.after.map(SearchPlace),
        limit: u32::from(search.limit.min(api::MAX_PAGE)),
    };
    let page = device.search(&query, now)?;
    Ok(api::Hits {
        hits: page.hits.into_iter().map(hit).collect(),
        more: page.more.map(|place| place.0),
        incomplete: page.unsearched.conversations,
        complete_since: page.unsearched.complete_since,
        unindexed: page.unsearched.unindexed,
    })
}

fn hit(hit: SearchHit) -> api::Hit {
    let message = hit.message;
    api::Hit {
        conversation: message.conversation,
        seq: message.seq,
        id: message.id,
        account: message.account,
        mine: message.mine,
        sent_at: message.sent_at,
        pieces: pieces(&message.text, &hit.places),
        sender: message.sender,
    }
}

/// The part of a text around what was found, in pieces.
fn pieces(text: &str, places: &[(usize, usize)]) -> Vec<api::HitPiece> {
    let (first, last) = places.first().copied().unwrap_or_default();
    let mut from = text.floor_char_boundary(first.saturating_sub(BEFORE));
    // Not from the middle of a word, if one begins near.
    if from > 0
        && let Some(blank) = text[from..first].find(char::is_whitespace)
    {
        from += blank + 1;
        from = text.ceil_char_boundary(from).min(first);
    }
    let to = text.ceil_char_boundary((last + AFTER).min(text.len()));
    let mut pieces = Vec::new();
    let mut put = |text: String, found| {
        if !text.is_empty() {
            pieces.push(api::HitPiece { text, found });
        }
    };
    let mut at = from;
    let mut cut = if from > 0 { "…" } else { "" };
    for &(start, end) in places.iter().filter(|(_, end)| *end <= to) {
        put(format!("{cut}{}", &text[at..start]), false);
        put(text[start..end].to_owned(), true);
        cut = "";
        at = end;
    }
    put(format!("{cut}{}{}", &text[at..to], if to < text.len() { "…" } else { "" }), false);
    pieces
}

/// An export that is under way: a page asks for it piece by piece.
#[derive(Debug)]
pub(crate) struct UnderWay {
    export: Export,
    language: String,
    number: u32,
}

impl UnderWay {
    /// The number of the next piece, from 0.
    pub(crate) fn number(&self) -> u32 {
        self.number
    }

    /// Begins one.
    pub(crate) fn begin(device: &Engine, asked: api::Export, now: Timestamp) -> Result<Self, EngineError> {
        let api::Export { conversation, notes, language, page } = asked;
        let format = match page {
            None => ExportFormat::Jsonl,
            Some([all, made, joined, left, erased, gone, waiting, refused, unsent, missing]) => {
                ExportFormat::Html(Box::new(ExportWords {
                    language: language.clone(),
                    all,
                    made,
                    joined,
                    left,
                    erased,
                    gone,
                    waiting,
                    refused,
                    unsent,
                    missing,
                }))
            }
        };
        let export = Export::begin(device, conversation, format, &notes, now)?;
        Ok(Self { export, language, number: 0 })
    }

    /// The next piece.
    pub(crate) fn piece(&mut self, device: &Engine) -> Result<api::Exported, EngineError> {
        let piece = self.export.piece(device, &|at| local(&self.language, at))?;
        self.number += 1;
        let so_far = self.export.progress();
        Ok(api::Exported { piece, done: so_far.done, total: so_far.total, incomplete: so_far.incomplete })
    }
}

/// A time as people of a language write it here.
#[cfg(target_family = "wasm")]
fn local(language: &str, at: Timestamp) -> LocalTime {
    use js_sys::{Date, JsString, Object, Reflect};
    use wasm_bindgen::JsValue;

    // Beyond this there are no dates.
    #[expect(clippy::cast_precision_loss, reason = "below 2^53")]
    let ms = at.0.min(8_640_000_000_000_000) as f64;
    let date = Date::new(&JsValue::from_f64(ms));
    let options = Object::new();
    let set = |name: &str, value: &str| {
        // Setting a property of a plain object cannot fail.
        let _ = Reflect::set(&options, &name.into(), &value.into());
    };
    set("dateStyle", "full");
    let day: JsString = date.to_locale_date_string(language, &options);
    let clock = format!("{:02}:{:02}", date.get_hours(), date.get_minutes());
    LocalTime { day: day.into(), clock }
}

/// Outside of a browser, for tests: by the time of Greenwich.
#[cfg(not(target_family = "wasm"))]
fn local(_: &str, at: Timestamp) -> LocalTime {
    let minutes = at.0 / 60_000;
    LocalTime {
        day: format!("day {}", minutes / 1440),
        clock: format!("{:02}:{:02}", minutes / 60 % 24, minutes % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(text: &str, places: &[(usize, usize)]) -> String {
        pieces(text, places)
            .iter()
            .map(|p| if p.found { format!("[{}]", p.text) } else { p.text.clone() })
            .collect()
    }

    #[test]
    fn what_was_found_is_shown_with_what_is_around_it() {
        assert_eq!(drawn("un caffè", &[(3, 9)]), "un [caffè]");
        assert_eq!(drawn("a b a", &[(0, 1), (4, 5)]), "[a] b [a]");
        let long = format!("{}fine {}", "è ".repeat(200), "x".repeat(1000));
        let short = drawn(&long, &[(600, 604)]);
        assert!(short.starts_with("…è") && short.contains("[fine]") && short.ends_with("x…"), "{short}");
        assert_eq!(drawn("", &[]), "");
        let narrow = format!("{}\u{3000}東京", "東".repeat(40));
        assert!(drawn(&narrow, &[(123, 129)]).ends_with("[東京]"));
    }
}
