//! What conversations are called, and what is said of them in a line.

use diario_protocol::ConversationKind;
use diario_web_api::{ConversationRow, Membership, MessageState, Preview};

use crate::text::{language, tr, tr_args};

/// What a conversation is called.
pub(crate) fn title(row: &ConversationRow) -> String {
    if !row.title.is_empty() {
        row.title.clone()
    } else if row.kind == ConversationKind::SelfConversation {
        tr("title-self")
    } else if row.others.is_empty() {
        tr("title-group-empty")
    } else {
        names(&row.others)
    }
}

/// Names in a row, as the language joins them: "Ada, Luca and Marta".
fn names(names: &[String]) -> String {
    let tags = js_sys::Array::of1(&language().tag().into());
    let list: js_sys::Array = names.iter().map(wasm_bindgen::JsValue::from).collect();
    js_sys::Intl::ListFormat::new(&tags, &js_sys::Object::new()).format(&list).into()
}

/// What changed of the members.
pub(crate) fn membership(change: &Membership) -> String {
    let joined = (!change.joined.is_empty()).then(|| {
        tr_args("members-joined", &[("names", names(&change.joined).into()), count(&change.joined)])
    });
    let left = (!change.left.is_empty())
        .then(|| tr_args("members-left", &[("names", names(&change.left).into()), count(&change.left)]));
    match (joined, left) {
        (Some(joined), Some(left)) => format!("{joined} {left}"),
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => tr("members-changed"),
    }
}

fn count(names: &[String]) -> (&'static str, crate::text::FluentValue<'static>) {
    ("count", names.len().into())
}

/// The newest message in a line.
pub(crate) fn preview(row: &ConversationRow, last: &Preview) -> String {
    if let Some(change) = &last.membership {
        return membership(change);
    }
    let words = match last.state {
        MessageState::Waiting => tr("message-waiting"),
        MessageState::Refused => tr("message-refused"),
        MessageState::Erased => tr("message-erased"),
        MessageState::Gone => tr("message-gone"),
        _ => last.text.clone(),
    };
    if last.mine && row.kind != ConversationKind::SelfConversation {
        tr_args("preview-mine", &[("text", words.into())])
    } else if row.kind == ConversationKind::Group {
        tr_args("preview-of", &[("sender", last.sender.clone().into()), ("text", words.into())])
    } else {
        words
    }
}

/// Who types.
pub(crate) fn typing(row: &ConversationRow, names: &[String]) -> String {
    match names {
        _ if row.kind != ConversationKind::Group => tr("typing"),
        [one] => tr_args("typing-one", &[("name", one.clone().into())]),
        many => tr_args("typing-many", &[("count", many.len().into())]),
    }
}
