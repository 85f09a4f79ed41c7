//! What pages show, made of the engine's views.

use diario_engine as engine;
use diario_engine::{Engine, EngineError};
use diario_protocol::{ConversationKind, Timestamp};
use diario_web_api as api;

/// Most characters of a conversation's newest message in the list.
const PREVIEW: usize = 120;
/// Most characters of a message that is announced.
const ANNOUNCED: usize = 200;

type Result<T> = std::result::Result<T, EngineError>;

/// The account, if there is one.
pub(crate) fn account(device: &Engine, now: Timestamp) -> Result<Option<api::Account>> {
    let (Some((username, account, id)), Some(stage)) = (device.whoami(), device.stage(now)?) else {
        return Ok(None);
    };
    let stage = match stage {
        engine::Stage::Registering | engine::Stage::Recovering => api::Stage::Registering,
        engine::Stage::Active => api::Stage::Active,
        engine::Stage::Expired => api::Stage::Expired,
        engine::Stage::Revoked => api::Stage::Revoked,
    };
    let this = device.devices(now)?.into_iter().find(|d| d.this);
    let soon = this.filter(|d| d.state == engine::DeviceState::ExpiresSoon);
    let ends = soon.and_then(|d| d.valid_until);
    Ok(Some(api::Account {
        username,
        account,
        device: id,
        primary: device.is_primary(),
        stage,
        ends,
        server_keeps: device.server_retention()?,
    }))
}

/// The account's settings.
pub(crate) fn settings(device: &Engine) -> Result<api::Settings> {
    Ok(api::Settings { receipts: device.settings()?.receipts })
}

/// How much of the history is here.
pub(crate) fn filling(device: &Engine) -> Result<api::Filling> {
    let state = device.fill_state()?;
    Ok(api::Filling {
        fill: match state.fill {
            engine::Fill::Never => api::Fill::Never,
            engine::Fill::Unmetered => api::Fill::Unmetered,
            engine::Fill::Always => api::Fill::Always,
        },
        paused: state.paused,
        active: state.active,
        missing: state.missing,
        conversations: state.conversations,
        estimate: state.estimate,
        fetched: state.fetched,
    })
}

/// What was chosen, as the engine says it.
pub(crate) fn fill_of(fill: api::Fill) -> engine::Fill {
    match fill {
        api::Fill::Never => engine::Fill::Never,
        api::Fill::Unmetered => engine::Fill::Unmetered,
        api::Fill::Always => engine::Fill::Always,
    }
}

/// A conversation, as it is listed.
pub(crate) fn row(row: engine::ConversationRow) -> api::ConversationRow {
    api::ConversationRow {
        id: row.id,
        kind: row.kind,
        title: title(&row),
        others: row.others,
        peer: row.peer,
        size: row.size,
        last: row.last.map(preview),
        at: row.at,
        unread: row.unread,
        markers: api::Markers {
            delivered_to_all: row.markers.delivered_to_all,
            read_by_all: row.markers.read_by_all,
            read_here: row.markers.read_here,
        },
        head: row.head,
        pinned: row.pinned,
        muted: row.muted,
        draft: row.draft,
        open: row.open,
        gap: row.gap.is_some(),
        trust: trust(row.trust),
        keep: row.keep,
    }
}

fn title(row: &engine::ConversationRow) -> String {
    match row.kind {
        ConversationKind::SelfConversation => String::new(),
        ConversationKind::Direct => row.others.first().cloned().unwrap_or_default(),
        ConversationKind::Group => row.title.clone(),
    }
}

fn preview(message: engine::MessageView) -> api::Preview {
    api::Preview {
        state: state(&message),
        sender: message.sender,
        mine: message.mine,
        text: shortened(&message.text, PREVIEW),
        seq: message.seq,
        membership: message.membership.map(membership),
    }
}

/// A message.
pub(crate) fn message(message: engine::MessageView) -> api::Message {
    api::Message {
        state: state(&message),
        id: message.id,
        seq: message.seq,
        sender: message.sender,
        account: message.account,
        mine: message.mine,
        sent_at: message.sent_at,
        text: message.text,
        membership: message.membership.map(membership),
        reason: message.reason.unwrap_or_default(),
    }
}

fn membership(change: engine::MembershipChange) -> api::Membership {
    api::Membership { joined: change.joined, left: change.left }
}

fn state(message: &engine::MessageView) -> api::MessageState {
    match message.state {
        engine::MessageState::Pending => api::MessageState::Pending,
        // How far it was delivered and read is for the markers to say.
        engine::MessageState::Sent | engine::MessageState::Delivered | engine::MessageState::Read => {
            api::MessageState::Sent
        }
        engine::MessageState::Waiting => api::MessageState::Waiting,
        engine::MessageState::Refused => api::MessageState::Refused,
        engine::MessageState::Failed => api::MessageState::Failed,
        engine::MessageState::Erased if message.is_no_longer_kept() => api::MessageState::Gone,
        engine::MessageState::Erased => api::MessageState::Erased,
    }
}

/// The announcement of a message that came just now, if it is one to announce.
pub(crate) fn arrived(message: &engine::MessageView, row: &engine::ConversationRow) -> Option<api::Tell> {
    let readable = matches!(message.state, engine::MessageState::Delivered);
    if message.mine || message.is_notice() || !readable {
        return None;
    }
    let title = title(row);
    Some(api::Tell::Arrived {
        conversation: row.id,
        title: if title.is_empty() { row.others.join(", ") } else { title },
        sender: message.sender.clone(),
        text: shortened(&message.text, ANNOUNCED),
        muted: row.muted,
    })
}

/// A member.
pub(crate) fn member(member: engine::MemberView) -> api::Member {
    let trust = trust(member.trust);
    api::Member { account: member.account, username: member.username, me: member.me, trust }
}

fn trust(trust: engine::Trust) -> api::Trust {
    match trust {
        engine::Trust::Unverified => api::Trust::Unverified,
        engine::Trust::Verified => api::Trust::Verified,
        engine::Trust::Changed { verified_before: false } => api::Trust::Changed,
        engine::Trust::Changed { verified_before: true } => api::Trust::ChangedVerified,
    }
}

/// What two people compare.
pub(crate) fn safety(number: engine::SafetyNumber) -> api::SafetyNumber {
    api::SafetyNumber { digits: number.digits, code: number.code, verified_at: number.verified_at }
}

/// What a comparison comes to.
pub(crate) fn comparison(comparison: engine::SafetyComparison) -> api::Comparison {
    match comparison {
        engine::SafetyComparison::Match => api::Comparison::Match,
        engine::SafetyComparison::Mismatch => api::Comparison::Mismatch,
        engine::SafetyComparison::NotACode => api::Comparison::NotACode,
        engine::SafetyComparison::OtherVersion => api::Comparison::OtherVersion,
    }
}

/// A device; `seen` is what the server said of it: connected now, or last then.
pub(crate) fn device(device: engine::DeviceView, seen: Option<Seen>) -> api::Device {
    api::Device {
        id: device.id,
        name: device.name,
        primary: device.primary,
        this: device.this,
        valid_until: device.valid_until,
        expired: device.state == engine::DeviceState::Expired,
        online: seen == Some(Seen::Online),
        last_seen: match seen {
            Some(Seen::At(at)) => Some(at),
            Some(Seen::Online) => None,
            None => device.last_seen,
        },
        ends_soon: device.state == engine::DeviceState::ExpiresSoon,
        awaits_key: device.awaits_key,
        linked_at: device.linked_at,
        linked_by: device.linked_by.unwrap_or_default(),
        platform: device.platform,
    }
}

/// When a device was last connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seen {
    /// It is, as far as known.
    Online,
    /// Then.
    At(Timestamp),
}

/// The first characters of a text; cut, it ends with an ellipsis.
fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some(_) => text.chars().take(most - 1).chain(['…']).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!(shortened("ciao", 4), "ciao");
        assert_eq!(shortened("città!", 5), "citt…");
        assert_eq!(shortened("", 5), "");
    }
}
