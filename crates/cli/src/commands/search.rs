//! `diario search`: messages by their words, among those that are stored here.

use std::fmt::Write as _;

use diario_engine::{Engine, EngineError, SearchPage, SearchPlace, SearchQuery, Unsearched};
use diario_protocol::Timestamp;
use serde::Serialize;

use crate::args::Search;
use crate::context::Context;
use crate::day::{self, Edge};
use crate::error::CliError;
use crate::resolve::{self, Begin};
use crate::style::{Ink, Style, one_line, rfc3339};
use crate::view::{Message, MessageJson};

/// Messages that are looked up in one go.
const PAGE: u32 = 500;
/// Bytes of text that are shown before the first word that was found, and after it.
const BEFORE: usize = 60;
const AFTER: usize = 240;

/// A message that was found, and where the words are in it.
struct Hit {
    message: Message,
    places: Vec<(usize, usize)>,
}

#[derive(Serialize)]
struct HitJson<'a> {
    #[serde(flatten)]
    message: MessageJson<'a>,
    /// From and to, in characters.
    places: Vec<(usize, usize)>,
}

#[derive(Serialize)]
struct Searched {
    found: usize,
    more: bool,
    incomplete: u64,
    complete_since: Option<String>,
}

pub(crate) async fn run(context: &mut Context, args: Search) -> Result<(), CliError> {
    let zone = context.out.style.zone.clone();
    let edge = |text: Option<&String>, edge| text.map(|text| day::read(text, &zone, edge)).transpose();
    let since = edge(args.since.as_ref(), Edge::First)?;
    let until = edge(args.until.as_ref(), Edge::Last)?;
    let conversation = match &args.conversation {
        Some(text) => Some(resolve::conversation(context, text, Begin::No).await?),
        None => None,
    };
    let mut query = SearchQuery {
        words: args.words.join(" "),
        conversation,
        from: args.from,
        since,
        until,
        ..SearchQuery::default()
    };
    index(context).await?;
    let (mut found, mut more) = (0, None);
    let mut unsearched = Unsearched::default();
    let mut left = args.limit;
    while left > 0 {
        query.limit = left.min(PAGE);
        let asked = query.clone();
        let (hits, rest, missing) = context.engine(move |engine, now| look(engine, &asked, now)).await?;
        left -= query.limit;
        (more, unsearched) = (rest, missing);
        found += hits.len();
        for hit in &hits {
            context.out.show(&hit.json(), |style| hit.print(style)).await?;
        }
        match rest {
            Some(place) => query.after = Some(place),
            None => break,
        }
    }
    let done = Searched {
        found,
        more: more.is_some(),
        incomplete: unsearched.conversations,
        complete_since: unsearched.complete_since.map(rfc3339),
    };
    if context.out.face.json {
        #[derive(Serialize)]
        struct Last {
            searched: Searched,
        }
        return context.out.show(&Last { searched: done }, |_| String::new()).await;
    }
    if found == 0 {
        context.out.warn("nothing was found").await?;
    } else if more.is_some() {
        context.out.warn(&format!("there are more than these {found}; --limit shows more")).await?;
    }
    if unsearched.conversations > 0 {
        let since = unsearched.complete_since.map(|at| context.out.style.day(at));
        let since = since.map_or("what is here".to_owned(), |day| {
            format!("everything since {day}, and what is here of before")
        });
        context.out.warn(&format!("this device does not have the whole history; searched: {since}")).await?;
    }
    Ok(())
}

/// Makes everything findable that is not yet, as after an update.
async fn index(context: &mut Context) -> Result<(), CliError> {
    let (mut done, mut before) = (0, None);
    loop {
        let left = context.engine(Engine::index_more).await?;
        if left == 0 {
            return context.out.done().await;
        }
        done += before.map_or(0, |before: u64| before.saturating_sub(left));
        before = Some(left);
        context.out.progress("indexing", done, done + left).await?;
    }
}

type Found = (Vec<Hit>, Option<SearchPlace>, Unsearched);

fn look(engine: &mut Engine, query: &SearchQuery, now: Timestamp) -> Result<Found, EngineError> {
    let SearchPage { hits, more, unsearched } = engine.search(query, now)?;
    let hits = hits.into_iter().map(|hit| {
        let message = Message::of(engine, hit.message)?;
        Ok(Hit { message, places: hit.places })
    });
    Ok((hits.collect::<Result<_, EngineError>>()?, more, unsearched))
}

impl Hit {
    fn json(&self) -> HitJson<'_> {
        let text = &self.message.view.text;
        let at = |byte: usize| text[..byte].chars().count();
        let places = self.places.iter().map(|&(from, to)| (at(from), at(to))).collect();
        HitJson { message: self.message.json(), places }
    }

    /// When, who and where; then the words around the first that was found.
    fn print(&self, style: &Style) -> String {
        let m = &self.message.view;
        let mut out = style.paint(Ink::Dim, &style.moment(m.sent_at));
        let ink = if m.mine { Ink::Mine } else { Ink::Bold };
        let _ = write!(out, "  {}", style.paint(ink, &self.message.who(true)));
        if let Some(seq) = m.seq {
            out.push_str(&style.paint(Ink::Dim, &format!("  #{}", seq.0)));
        }
        let _ = writeln!(out, "\n    {}", excerpt(&m.text, &self.places, style));
        out
    }
}

/// A part of a text in one line, the words that were found painted.
fn excerpt(text: &str, places: &[(usize, usize)], style: &Style) -> String {
    let (first, last) = places.first().copied().unwrap_or_default();
    let from = text.floor_char_boundary(first.saturating_sub(BEFORE));
    // Not in the middle of a word, if there is a blank near.
    let from = if from == 0 { 0 } else { text[from..first].find(' ').map_or(from, |blank| from + blank + 1) };
    let to = text.ceil_char_boundary((last + AFTER).min(text.len()));
    let mut out = String::from(if from > 0 { "…" } else { "" });
    let mut at = from;
    for &(start, end) in places.iter().filter(|(_, end)| *end <= to) {
        out.push_str(&one_line(&text[at..start]));
        out.push_str(&style.paint(Ink::Read, &one_line(&text[start..end])));
        at = end;
    }
    out.push_str(&one_line(&text[at..to]));
    if to < text.len() {
        out.push('…');
    }
    out
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;

    #[test]
    fn an_excerpt_shows_the_words_that_were_found() {
        let style = Style { color: false, width: None, zone: TimeZone::UTC };
        let color = Style { color: true, ..style.clone() };
        assert_eq!(excerpt("un caffè\x1b[2J\nsubito", &[(3, 9)], &style), "un caffè\u{fffd}[2J subito");
        assert_eq!(excerpt("un caffè", &[(3, 9)], &color), "un \x1b[1;36mcaffè\x1b[0m");
        let long = format!("{}fine {}", "è ".repeat(200), "x".repeat(1000));
        let short = excerpt(&long, &[(600, 604)], &style);
        assert!(short.starts_with("…è") && short.ends_with("x…") && short.contains("fine"), "{short}");
    }
}
