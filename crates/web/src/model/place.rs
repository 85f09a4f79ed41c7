//! Where in the app one is, as a path.

use diario_protocol::{AccountId, ConversationId, Seq};

/// A place in the app. Each has one path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Place {
    /// The conversations.
    List,
    /// One of them.
    Conversation(ConversationId),
    /// One of them, at a message.
    At(ConversationId, Seq),
    /// Who is in it, and what can be done with it.
    Details(ConversationId),
    /// Of a direct one, whether the other is who they are taken for.
    Safety(ConversationId),
    /// Of anybody in it, whether they are who they are taken for.
    SafetyOf(ConversationId, AccountId),
    /// Looking for messages.
    Search,
    /// Beginning a conversation.
    New,
    /// The account's devices.
    Devices,
    /// Letting another device join.
    AddDevice,
    /// The settings.
    Settings,
    /// What the account can be recovered by.
    Recovery,
    /// Before there is an account: which way in.
    Welcome,
    /// Making an account.
    Create,
    /// Joining an account from here.
    Join,
    /// Recovering an account here.
    Recover,
    /// After an account was made: a way back to it, before anything else.
    FirstKey,
    /// No such place.
    Nowhere,
}

impl Place {
    /// The place that a path names.
    pub fn of_path(path: &str) -> Self {
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        let conversation =
            |id: &str, make: fn(ConversationId) -> Self| id.parse().map_or(Self::Nowhere, make);
        match parts.as_slice() {
            [] | ["index.html"] => Self::List,
            ["c", id] => conversation(id, Self::Conversation),
            ["c", id, "details"] => conversation(id, Self::Details),
            ["c", id, "safety"] => conversation(id, Self::Safety),
            ["c", id, "safety", account] => match (id.parse(), account.parse()) {
                (Ok(id), Ok(account)) => Self::SafetyOf(id, account),
                _ => Self::Nowhere,
            },
            ["c", id, "at", seq] => match (id.parse(), seq.parse()) {
                (Ok(id), Ok(seq)) => Self::At(id, Seq(seq)),
                _ => Self::Nowhere,
            },
            ["search"] => Self::Search,
            ["new"] => Self::New,
            ["devices"] => Self::Devices,
            ["devices", "add"] => Self::AddDevice,
            ["settings"] => Self::Settings,
            ["settings", "recovery"] => Self::Recovery,
            ["begin"] => Self::FirstKey,
            ["welcome"] => Self::Welcome,
            ["welcome", "create"] => Self::Create,
            ["welcome", "link"] => Self::Join,
            ["welcome", "recover"] => Self::Recover,
            _ => Self::Nowhere,
        }
    }

    /// The path that names this place.
    pub fn path(self) -> String {
        match self {
            Self::List | Self::Nowhere => "/".to_owned(),
            Self::Conversation(id) => format!("/c/{id}"),
            Self::At(id, seq) => format!("/c/{id}/at/{}", seq.0),
            Self::Details(id) => format!("/c/{id}/details"),
            Self::Safety(id) => format!("/c/{id}/safety"),
            Self::SafetyOf(id, account) => format!("/c/{id}/safety/{account}"),
            Self::Search => "/search".to_owned(),
            Self::New => "/new".to_owned(),
            Self::Devices => "/devices".to_owned(),
            Self::AddDevice => "/devices/add".to_owned(),
            Self::Settings => "/settings".to_owned(),
            Self::Recovery => "/settings/recovery".to_owned(),
            Self::FirstKey => "/begin".to_owned(),
            Self::Welcome => "/welcome".to_owned(),
            Self::Create => "/welcome/create".to_owned(),
            Self::Join => "/welcome/link".to_owned(),
            Self::Recover => "/welcome/recover".to_owned(),
        }
    }

    /// The conversation that is open there.
    pub fn conversation(self) -> Option<ConversationId> {
        match self {
            Self::Conversation(id)
            | Self::At(id, _)
            | Self::Details(id)
            | Self::Safety(id)
            | Self::SafetyOf(id, _) => Some(id),
            _ => None,
        }
    }

    /// Whether it stands beside a conversation that stays open.
    pub fn is_beside(self) -> bool {
        matches!(self, Self::Details(_) | Self::Safety(_) | Self::SafetyOf(..))
    }

    /// Whether it is one of those that are only for who has no account here.
    pub fn is_before_account(self) -> bool {
        matches!(self, Self::Welcome | Self::Create | Self::Join | Self::Recover)
    }

    /// Whether it stands alone, without the list beside it.
    pub fn is_alone(self) -> bool {
        self.is_before_account() || self == Self::FirstKey
    }

    /// Where "back" leads if nothing of the app lies behind.
    #[must_use]
    pub fn parent(self) -> Self {
        match self {
            Self::Details(id) => Self::Conversation(id),
            Self::Safety(id) | Self::SafetyOf(id, _) => Self::Details(id),
            Self::AddDevice => Self::Devices,
            Self::Recovery => Self::Settings,
            Self::Create | Self::Join | Self::Recover => Self::Welcome,
            _ => Self::List,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_has_its_path() {
        let id = ConversationId::new([7; 16]);
        for place in [
            Place::List,
            Place::Conversation(id),
            Place::At(id, Seq(7)),
            Place::Details(id),
            Place::Safety(id),
            Place::SafetyOf(id, AccountId::new([9; 16])),
            Place::FirstKey,
            Place::Search,
            Place::New,
            Place::Devices,
            Place::AddDevice,
            Place::Settings,
            Place::Welcome,
            Place::Create,
            Place::Join,
            Place::Recovery,
            Place::Recover,
        ] {
            assert_eq!(Place::of_path(&place.path()), place);
            assert_eq!(place.is_before_account(), place.path().starts_with("/welcome"));
        }
    }

    #[test]
    fn what_is_no_path_is_nowhere() {
        for path in [
            "/c/",
            "/c/zz",
            "/c/00/details",
            "/c/07070707070707070707070707070707/safety/x",
            "/c/07070707070707070707070707070707/at/x",
            "/settings/x",
            "/admin",
            "/c/%2e%2e/x",
        ] {
            assert_eq!(Place::of_path(path), Place::Nowhere, "{path}");
        }
        assert_eq!(Place::of_path("/index.html"), Place::List);
    }
}
