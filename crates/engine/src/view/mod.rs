//! What a user's face asks the store.

mod devices;
mod history;
mod list;
mod search;
#[cfg(test)]
mod tests;

pub use devices::{DeviceState, DeviceView};
pub use history::{Anchor, Missing, Page};
pub use list::{ConversationRow, LISTED_NAMES, MOST_UNREAD, Markers};
pub use search::{SearchHit, SearchPage, SearchPlace, SearchQuery, Unsearched};

use diario_protocol::{AccountId, ConversationId, DeviceId, EntryId, Epoch, LogHash, Seq, Timestamp};

use crate::engine::{Engine, Trust};
use crate::error::EngineError;
use crate::store::conversation::{self, Conversation};
use crate::store::{from_sql, people};

/// How far a message has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageState {
    /// Waits to be sent.
    Pending,
    /// On the server's disk.
    Sent,
    /// On a device of everybody it is for; or, of somebody else's message, here.
    Delivered,
    /// Read by everybody it is for; or, of somebody else's message, here.
    Read,
    /// Not readable yet: its key, or its sender's device list, was asked for.
    Waiting,
    /// Not accepted; `text` says why.
    Refused,
    /// The server did not take it; `text` is the message still.
    Failed,
    /// Erased for everyone.
    Erased,
}

impl MessageState {
    /// What it is called in files and in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Read => "read",
            Self::Waiting => "waiting",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Erased => "erased",
        }
    }
}

/// A change of a conversation's members.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MembershipChange {
    /// Names of who came in.
    pub joined: Vec<String>,
    /// Names of who went out.
    pub left: Vec<String>,
}

impl MembershipChange {
    /// Whether nobody came or went: only keys or devices changed.
    pub fn is_empty(&self) -> bool {
        self.joined.is_empty() && self.left.is_empty()
    }
}

/// A message, as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageView {
    /// Where.
    pub conversation: ConversationId,
    /// Its place; `None` while it waits to be sent, or failed.
    pub seq: Option<Seq>,
    /// Its id.
    pub id: EntryId,
    /// Name of the account that sent it, or of who said it before it was imported.
    pub sender: String,
    /// The account that sent it.
    pub account: AccountId,
    /// The device that sent it.
    pub device: DeviceId,
    /// When, by the sender's clock; of what cannot be read, when the server took it.
    pub sent_at: Timestamp,
    /// Its words; empty if it cannot be read.
    pub text: String,
    /// How far it has come.
    pub state: MessageState,
    /// Why it failed or was refused, in English.
    pub reason: Option<String>,
    /// Whether it is this account's: of an imported message, whether who said it there has its name.
    pub mine: bool,
    /// If it is a change of the group rather than something said: who came and went, if anybody did.
    pub membership: Option<MembershipChange>,
}

impl MessageView {
    /// Whether it is a change of the group rather than something said.
    pub fn is_notice(&self) -> bool {
        self.membership.is_some()
    }

    /// Whether its words are not here because the server no longer keeps them: nobody erased them.
    pub fn is_no_longer_kept(&self) -> bool {
        // What was erased has no reason to give.
        self.state == MessageState::Erased && self.reason.is_some()
    }

    /// Whether it says nothing to people: a change of keys or devices alone.
    pub fn is_silent(&self) -> bool {
        self.membership.as_ref().is_some_and(MembershipChange::is_empty)
    }
}

/// Where a device stands in a conversation's log, for diagnosis and for the simulator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogState {
    /// Sequence of the next entry to apply.
    pub next: Seq,
    /// Highest sequence heard of.
    pub known_head: Seq,
    /// Running hash before it.
    pub hash: LogHash,
    /// The epoch there.
    pub epoch: Epoch,
    /// Whether this device is in the MLS group.
    pub in_group: bool,
}

/// A member of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberView {
    /// The account.
    pub account: AccountId,
    /// Its name.
    pub username: String,
    /// Whether it is this account.
    pub me: bool,
    /// What the user knows of who it is.
    pub trust: Trust,
}

/// How far a device has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The server does not have the account yet.
    Registering,
    /// A new device that the server has not taken into the account yet.
    Recovering,
    /// It may act for its account.
    Active,
    /// Its time has run out; a primary that comes online renews it.
    Expired,
    /// It was removed from its account: what it holds can be read, no more.
    Revoked,
}

/// How much is stored here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// Size of the store, in bytes.
    pub bytes: u64,
    /// Messages in it, those that wait to be sent too.
    pub messages: u64,
    /// Conversations in it.
    pub conversations: u64,
}

type Result<T> = std::result::Result<T, EngineError>;

impl Engine {
    /// The account's name and this device, if there is one.
    pub fn whoami(&self) -> Option<(String, AccountId, DeviceId)> {
        self.identity().map(|me| (me.username.to_string(), me.account, me.device))
    }

    /// Whether this device holds the account identity key.
    pub fn is_primary(&self) -> bool {
        self.identity().is_some_and(people::Me::is_primary)
    }

    /// Where this device stands in a conversation's log.
    pub fn log_state(&self, id: ConversationId) -> Result<Option<LogState>> {
        Ok(Conversation::load(self.db(), id)?.map(|c| LogState {
            next: c.log_next,
            known_head: c.known_head,
            hash: c.log_hash,
            epoch: c.log_epoch,
            in_group: c.membership == conversation::Membership::Member,
        }))
    }

    /// Members of a conversation.
    pub fn members(&self, id: ConversationId) -> Result<Vec<MemberView>> {
        let me = self.identity().map(|me| me.account);
        conversation::participants_of(self.db(), id)?
            .into_iter()
            .map(|p| {
                Ok(MemberView {
                    trust: self.trust(p.account)?,
                    account: p.account,
                    username: self.name_of(p.account)?,
                    me: Some(p.account) == me,
                })
            })
            .collect()
    }

    /// The name of an account; the beginning of its id while the name is not known here.
    pub fn name_of(&self, account: AccountId) -> Result<String> {
        Ok(people::username(self.db(), account)?.unwrap_or_else(|| account.to_string()[..8].to_owned()))
    }

    /// How much is stored here.
    pub fn usage(&self) -> Result<Usage> {
        let number = |sql: &str| -> Result<u64> {
            Ok(from_sql(self.db().prepare_cached(sql)?.query_row([], |row| row.get::<_, i64>(0))?))
        };
        Ok(Usage {
            bytes: number("PRAGMA page_count")? * number("PRAGMA page_size")?,
            messages: number("SELECT count(*) FROM message WHERE state <> 5")?,
            conversations: number("SELECT count(*) FROM conversation")?,
        })
    }

    /// How many messages wait to be sent, in all conversations. Settings, keys and changes of groups do not count.
    pub fn outgoing_total(&self) -> Result<u64> {
        let mut statement =
            self.db().prepare_cached("SELECT count(*) FROM outbox WHERE entry IS NOT NULL")?;
        Ok(from_sql(statement.query_row([], |row| row.get::<_, i64>(0))?))
    }

    /// How far this device has come, at `now`; `None` without an account.
    ///
    /// A name that the server refuses leaves no account behind: after [`crate::Event::Rejected`] this is `None` again
    /// unless the refusal was for a while, and another name may be registered.
    pub fn stage(&self, now: Timestamp) -> Result<Option<Stage>> {
        let Some(me) = self.identity() else { return Ok(None) };
        Ok(Some(match me.stage {
            people::Stage::Registering => Stage::Registering,
            people::Stage::Recovering => Stage::Recovering,
            people::Stage::Revoked => Stage::Revoked,
            people::Stage::Active => {
                let this = people::device(self.db(), me.account, me.device)?;
                let until = this.and_then(|d| d.valid_until);
                let is_over = until.is_some_and(|until| until <= self.time_of_server(now));
                if is_over || self.is_told_expired() { Stage::Expired } else { Stage::Active }
            }
        }))
    }
}
