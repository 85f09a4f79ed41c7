//! The round mark of a person or a conversation.

use diario_protocol::{AccountId, ConversationKind};
use diario_web_api::ConversationRow;
use leptos::prelude::*;

use crate::model::avatar;
use crate::ui::icons::{Icon, icon};

/// The class that gives the hue of an account.
pub(crate) fn hue_class(account: AccountId) -> String {
    format!("hue-{}", avatar::hue(account.as_bytes()))
}

/// A person's mark; others read the name beside it.
pub(crate) fn person(account: AccountId, name: &str) -> impl IntoView + use<> {
    let class = format!("avatar {}", hue_class(account));
    let initials = avatar::initials(name);
    view! { <span class=class aria-hidden="true">{initials}</span> }
}

/// A conversation's mark.
pub(crate) fn conversation(row: &ConversationRow) -> impl IntoView + use<> {
    // A person has the same hue in a group and in the list.
    let id = row.peer.as_ref().map_or(row.id.as_bytes(), AccountId::as_bytes);
    let class = format!("avatar hue-{}", avatar::hue(id));
    let initials = avatar::initials(&row.title);
    let inside = match row.kind {
        ConversationKind::SelfConversation => icon(Icon::Note).into_any(),
        _ if initials.is_empty() => icon(Icon::People).into_any(),
        _ => initials.into_any(),
    };
    view! { <span class=class aria-hidden="true">{inside}</span> }
}
