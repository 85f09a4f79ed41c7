//! The page to read: one file, without scripts and without anything from elsewhere.

use std::fmt::Write as _;

use diario_protocol::Timestamp;

use super::time::rfc3339;
use super::{Chat, Head, LocalTime};
use crate::view::{MessageState, MessageView};

/// What the page says in its reader's language. `{}` stands for what is filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportWords {
    /// The language, like `en`.
    pub language: String,
    /// The title of a page with all conversations.
    pub all: String,
    /// Whose it is and when it was made: `{}` is the account, then the day.
    pub made: String,
    /// Who came in.
    pub joined: String,
    /// Who went out.
    pub left: String,
    /// In place of a message that was erased.
    pub erased: String,
    /// In place of a message that the server no longer kept when this device wanted it.
    pub gone: String,
    /// In place of a message that could not be read yet.
    pub waiting: String,
    /// In place of a message that was not accepted.
    pub refused: String,
    /// Beside an own message that was not sent.
    pub unsent: String,
    /// That a part is not in the file.
    pub missing: String,
}

impl Default for ExportWords {
    fn default() -> Self {
        Self {
            language: "en".into(),
            all: "All conversations".into(),
            made: "Exported from Diario by {} on {}".into(),
            joined: "{} joined".into(),
            left: "{} left".into(),
            erased: "Deleted".into(),
            gone: "No longer kept by the server".into(),
            waiting: "Could not be read yet".into(),
            refused: "Not accepted".into(),
            unsent: "not sent".into(),
            missing: "Older parts of this conversation were not on the device that made this file.".into(),
        }
    }
}

const STYLE: &str = "
:root{color-scheme:light dark;--ground:#faf8f4;--card:#fff;--mine:#e3efe6;--ink:#22252a;--faint:#666a70;--line:#e3dfd6}
@media(prefers-color-scheme:dark){:root{--ground:#15171a;--card:#212429;--mine:#22372c;--ink:#e8e6e1;--faint:#9da2a9;--line:#33373d}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:46rem;padding:1.5rem 1rem 4rem;background:var(--ground);color:var(--ink);font:1rem/1.45 system-ui,sans-serif}
h1{font-size:1.6rem;margin:0 0 .25rem}h2{font-size:1.35rem;margin:3rem 0 .25rem}
h3{position:sticky;top:0;margin:1.5rem 0 .75rem;padding:.4rem 0;background:var(--ground);color:var(--faint);font-size:.9rem;font-weight:600;text-align:center}
header p,section>p{margin:0;color:var(--faint);font-size:.9rem}
nav ul{padding-inline-start:1.2rem}a{color:inherit}
article{width:fit-content;max-width:85%;margin:.35rem 0;padding:.5rem .75rem;background:var(--card);border:1px solid var(--line);border-radius:.9rem;overflow-wrap:anywhere}
article.me{margin-inline-start:auto;background:var(--mine)}
article b{font-size:.9rem}time,small{color:var(--faint);font-size:.8rem}article b+time{margin-inline-start:.5rem}
article p{margin:.15rem 0 0;white-space:pre-wrap}article p.gone{color:var(--faint);font-style:italic}
.notice{margin:.75rem 0;text-align:center;color:var(--faint);font-size:.9rem;white-space:pre-wrap}
@media print{:root{--ground:#fff;--card:#fff;--mine:#f1f1f1;--ink:#000;--faint:#555;--line:#ccc}body{max-width:none;padding:0;font-size:10pt}
h3{position:static;break-after:avoid}article{break-inside:avoid}section+section{break-before:page}nav{display:none}}
";

pub(super) fn head(
    out: &mut String,
    words: &ExportWords,
    head: &Head,
    chats: &[Chat],
    local: &dyn Fn(Timestamp) -> LocalTime,
) {
    let title = match chats {
        [only] => &only.title,
        _ => &words.all,
    };
    out.push_str("<!doctype html>\n<html lang=\"");
    text(out, &words.language);
    out.push_str(
        "\">\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>",
    );
    text(out, title);
    out.push_str("</title>\n<style>");
    out.push_str(STYLE);
    out.push_str("</style>\n<header>\n<h1 dir=\"auto\">");
    text(out, title);
    out.push_str("</h1>\n<p>");
    let made = filled(&filled(&words.made, &head.account), &local(head.at).day);
    text(out, &made);
    out.push_str("</p>\n</header>\n");
    if chats.len() > 1 {
        out.push_str("<nav><ul>\n");
        for chat in chats {
            let _ = write!(out, "<li><a href=\"#c{}\" dir=\"auto\">", chat.id);
            text(out, &chat.title);
            out.push_str("</a></li>\n");
        }
        out.push_str("</ul></nav>\n");
    }
}

/// `alone`: it is the only one, and the page is called like it.
pub(super) fn chat(out: &mut String, words: &ExportWords, chat: &Chat, alone: bool) {
    let _ = writeln!(out, "<section id=\"c{}\">", chat.id);
    if !alone {
        out.push_str("<h2 dir=\"auto\">");
        text(out, &chat.title);
        out.push_str("</h2>\n");
    }
    out.push_str("<p>");
    text(out, &chat.members.join(", "));
    out.push_str("</p>\n");
    if !chat.missing.is_empty() {
        out.push_str("<p class=\"notice\">");
        text(out, &words.missing);
        out.push_str("</p>\n");
    }
}

pub(super) fn day(out: &mut String, day: &str) {
    out.push_str("<h3>");
    text(out, day);
    out.push_str("</h3>\n");
}

pub(super) fn message(out: &mut String, words: &ExportWords, message: &MessageView, at: &LocalTime) {
    if let Some(change) = &message.membership {
        out.push_str("<p class=\"notice\" dir=\"auto\">");
        let part =
            |shape: &str, names: &[String]| (!names.is_empty()).then(|| filled(shape, &names.join(", ")));
        let parts = part(&words.joined, &change.joined).into_iter().chain(part(&words.left, &change.left));
        text(out, &parts.collect::<Vec<_>>().join(" · "));
        out.push_str("</p>\n");
        return;
    }
    // A system line of an imported chat.
    if message.sender.is_empty() {
        out.push_str("<p class=\"notice\" dir=\"auto\">");
        text(out, &message.text);
        out.push_str("</p>\n");
        return;
    }
    out.push_str(if message.mine { "<article class=\"me\">" } else { "<article>" });
    out.push_str("<b dir=\"auto\">");
    text(out, &message.sender);
    out.push_str("</b>");
    // What cannot be read yet has no time.
    if message.sent_at.0 > 0 {
        out.push_str("<time datetime=\"");
        out.push_str(&rfc3339(message.sent_at));
        out.push_str("\">");
        text(out, &at.clock);
        out.push_str("</time>");
    }
    let gone = match message.state {
        MessageState::Erased if message.is_no_longer_kept() => Some(&words.gone),
        MessageState::Erased => Some(&words.erased),
        MessageState::Waiting => Some(&words.waiting),
        MessageState::Refused => Some(&words.refused),
        _ => None,
    };
    if let Some(why) = gone {
        out.push_str("<p class=\"gone\">");
        text(out, why);
    } else {
        out.push_str("<p dir=\"auto\">");
        text(out, &message.text);
    }
    out.push_str("</p>");
    if matches!(message.state, MessageState::Pending | MessageState::Failed) {
        out.push_str("<small>");
        text(out, &words.unsent);
        out.push_str("</small>");
    }
    out.push_str("</article>\n");
}

pub(super) fn chat_end(out: &mut String) {
    out.push_str("</section>\n");
}

pub(super) fn tail(out: &mut String) {
    out.push_str("</html>\n");
}

/// `shape` with its first `{}` filled.
fn filled(shape: &str, with: &str) -> String {
    shape.replacen("{}", with, 1)
}

/// Somebody's words, with nothing in them that a browser would obey.
fn text(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // Directions that would reach beyond this text, and what HTML does not allow.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => out.push('\u{fffd}'),
            c if c.is_control() && c != '\n' && c != '\t' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
}
