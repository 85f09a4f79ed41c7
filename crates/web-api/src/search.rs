//! Looking for messages, and exports.

use diario_protocol::{AccountId, ConversationId, EntryId, Seq, Timestamp};
use minicbor::{Decode, Encode};

/// What is looked for, and where.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct Search {
    /// Words and phrases, as typed.
    #[n(0)]
    pub words: String,
    /// Only in this conversation.
    #[n(1)]
    pub conversation: Option<ConversationId>,
    /// Only what somebody of this name said; empty: anybody.
    #[n(2)]
    pub from: String,
    /// Only from this time on.
    #[n(3)]
    pub since: Option<Timestamp>,
    /// Only before this time.
    #[n(4)]
    pub until: Option<Timestamp>,
    /// Only what comes after the page of hits that gave this.
    #[n(5)]
    pub after: Option<u64>,
    /// How many at most, up to [`crate::MAX_PAGE`].
    #[n(6)]
    pub limit: u16,
}

/// Messages that were found, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct Hits {
    /// They.
    #[n(0)]
    pub hits: Vec<Hit>,
    /// If there are more: where to go on.
    #[n(1)]
    pub more: Option<u64>,
    /// Conversations among those searched of which a part is not here.
    #[n(2)]
    pub incomplete: u64,
    /// If there are any: from this time on everything is here.
    #[n(3)]
    pub complete_since: Option<Timestamp>,
    /// Messages that are here and cannot be found yet.
    #[n(4)]
    pub unindexed: u64,
}

/// A message that was found.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Hit {
    /// Where.
    #[n(0)]
    pub conversation: ConversationId,
    /// Its place; `None` while it waits to be sent.
    #[n(1)]
    pub seq: Option<Seq>,
    /// Its id.
    #[n(2)]
    pub id: EntryId,
    /// Who sent it.
    #[n(3)]
    pub account: AccountId,
    /// Who sent it, by name.
    #[n(4)]
    pub sender: String,
    /// Whether it is this account's, and not imported from somebody else.
    #[n(5)]
    pub mine: bool,
    /// When.
    #[n(6)]
    pub sent_at: Timestamp,
    /// The words around the first that was found.
    #[n(7)]
    pub pieces: Vec<HitPiece>,
}

/// A piece of a text.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct HitPiece {
    /// The text.
    #[n(0)]
    pub text: String,
    /// Whether it is what was looked for.
    #[n(1)]
    pub found: bool,
}

/// What is exported, and how.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Export {
    /// Only this conversation; `None`: all.
    #[n(0)]
    pub conversation: Option<ConversationId>,
    /// What the notes to self are called.
    #[n(1)]
    pub notes: String,
    /// The language, as a tag.
    #[n(2)]
    pub language: String,
    /// A page to read with these texts, else JSON lines: all, made, joined, left, erased, gone, waiting, refused,
    /// unsent, missing; `{}` stands for what is filled in.
    #[n(3)]
    pub page: Option<[String; 10]>,
}

/// The next piece of an export.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Exported {
    /// It; `None`: it is whole.
    #[n(0)]
    pub piece: Option<String>,
    /// Messages so far.
    #[n(1)]
    pub done: u64,
    /// Messages in all.
    #[n(2)]
    pub total: u64,
    /// Conversations of which a part is not here.
    #[n(3)]
    pub incomplete: u64,
}
