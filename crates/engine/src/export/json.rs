//! The JSON lines.

use std::fmt::Write as _;

use super::time::rfc3339;
use super::{Chat, EXPORT_VERSION, ExportProgress, Head, has_words, kind_name};
use crate::view::MessageView;

pub(super) fn head(out: &mut String, head: &Head, conversations: usize) {
    let _ = write!(out, "{{\"type\":\"diario_export\",\"version\":{EXPORT_VERSION},\"exported_at\":");
    text(out, &rfc3339(head.at));
    out.push_str(",\"account\":");
    text(out, &head.account);
    out.push_str(",\"server\":");
    text(out, &head.server);
    let _ = writeln!(out, ",\"conversations\":{conversations}}}");
}

pub(super) fn chat(out: &mut String, chat: &Chat) {
    let _ = write!(out, "{{\"type\":\"conversation\",\"conversation\":\"{}\",\"kind\":", chat.id);
    text(out, kind_name(chat.kind));
    out.push_str(",\"title\":");
    text(out, &chat.title);
    out.push_str(",\"members\":");
    texts(out, &chat.members);
    out.push_str(",\"missing\":[");
    for (i, (first, last)) in chat.missing.iter().enumerate() {
        let comma = if i > 0 { "," } else { "" };
        let _ = write!(out, "{comma}[{},{}]", first.0, last.0);
    }
    out.push_str("]}\n");
}

pub(super) fn message(out: &mut String, message: &MessageView) {
    let kind = if message.membership.is_some() { "membership" } else { "message" };
    let _ = write!(out, "{{\"type\":\"{kind}\",\"conversation\":\"{}\",\"seq\":", message.conversation);
    match message.seq {
        Some(seq) => {
            let _ = write!(out, "{}", seq.0);
        }
        None => out.push_str("null"),
    }
    let _ = write!(out, ",\"id\":\"{}\",\"sender\":", message.id);
    text(out, &message.sender);
    let _ = write!(out, ",\"device\":\"{}\",\"sent_at\":", message.device);
    text(out, &rfc3339(message.sent_at));
    if let Some(change) = &message.membership {
        out.push_str(",\"joined\":");
        texts(out, &change.joined);
        out.push_str(",\"left\":");
        texts(out, &change.left);
    } else {
        out.push_str(",\"text\":");
        if has_words(message) {
            text(out, &message.text);
        } else {
            out.push_str("null");
        }
        let _ = write!(out, ",\"state\":\"{}\",\"mine\":{}", message.state.name(), message.mine);
    }
    out.push_str("}\n");
}

pub(super) fn tail(out: &mut String, progress: &ExportProgress) {
    let ExportProgress { done, conversations, .. } = progress;
    let _ = writeln!(out, "{{\"type\":\"end\",\"conversations\":{conversations},\"entries\":{done}}}");
}

fn texts(out: &mut String, all: &[String]) {
    out.push('[');
    for (i, one) in all.iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        text(out, one);
    }
    out.push(']');
}

/// A string, with every character escaped that a terminal would obey or a script would take for a line's end.
fn text(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if c.is_control()
                || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}') =>
            {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}
