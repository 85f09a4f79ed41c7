//! What a user's face asks the store.

use diario_protocol::device_list::DeviceRole;
use diario_protocol::{
    AccountId, ConversationId, ConversationKind, DeviceId, EntryId, Epoch, LogHash, Seq, Timestamp,
};
use rusqlite::{OptionalExtension, Row, params};

use crate::engine::Engine;
use crate::engine::membership_note;
use crate::error::EngineError;
use crate::store::conversation::{self, Conversation};
use crate::store::message::state;
use crate::store::{from_sql, people, sealed, to_sql};

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

/// A message, as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageView {
    /// Where.
    pub conversation: ConversationId,
    /// Its place; `None` while it waits to be sent.
    pub seq: Option<Seq>,
    /// Its id.
    pub id: EntryId,
    /// Name of the account that sent it, or of who said it before it was imported.
    pub sender: String,
    /// The account that sent it.
    pub account: AccountId,
    /// The device that sent it.
    pub device: DeviceId,
    /// When, by the sender's clock.
    pub sent_at: Timestamp,
    /// Its words; of a membership change, what changed; of a refused one, why.
    pub text: String,
    /// How far it has come.
    pub state: MessageState,
    /// Whether it is this account's.
    pub mine: bool,
    /// Whether it is a change of the membership rather than something said.
    pub notice: bool,
}

/// A conversation, as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConversationView {
    /// Its id.
    pub id: ConversationId,
    /// Its kind.
    pub kind: ConversationKind,
    /// Its name, or that of the other side.
    pub title: String,
    /// Names of who is in it.
    pub members: Vec<String>,
    /// Its newest message.
    pub last: Option<MessageView>,
    /// Messages of others after the read marker.
    pub unread: u64,
    /// Sequences known to be missing here, being fetched.
    pub gap: Option<(Seq, Seq)>,
    /// Whether this account is still in it.
    pub open: bool,
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
}

/// What a device is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceState {
    /// May act for the account.
    Valid,
    /// Its time has run out; a primary renews it.
    Expired,
}

/// A device of the own account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceView {
    /// The device.
    pub id: DeviceId,
    /// What its user calls it; empty while that is not known here.
    pub name: String,
    /// Whether it holds the account's identity key.
    pub primary: bool,
    /// Whether it is this one.
    pub this: bool,
    /// When its time runs out; `None` never.
    pub valid_until: Option<Timestamp>,
    /// Whether it has.
    pub state: DeviceState,
}

type Result<T> = std::result::Result<T, EngineError>;

const COLUMNS: &str = "seq, id, account, device, sent_at, state, reason, text, content";

impl Engine {
    /// The account's name and this device, if there is one.
    pub fn whoami(&self) -> Option<(String, AccountId, DeviceId)> {
        self.identity().map(|me| (me.username.to_string(), me.account, me.device))
    }

    /// Whether this device holds the account identity key.
    pub fn is_primary(&self) -> bool {
        self.identity().is_some_and(people::Me::is_primary)
    }

    /// All conversations, newest first.
    pub fn conversations(&self) -> Result<Vec<ConversationView>> {
        let mut views = Vec::new();
        for conversation in Conversation::all(self.db())? {
            views.push(self.view_of(&conversation)?);
        }
        views.sort_by_key(|v| std::cmp::Reverse(v.last.as_ref().map_or(Timestamp(0), |m| m.sent_at)));
        Ok(views)
    }

    /// One conversation.
    pub fn conversation_view(&self, id: ConversationId) -> Result<Option<ConversationView>> {
        Conversation::load(self.db(), id)?.map(|c| self.view_of(&c)).transpose()
    }

    /// The newest message that says something.
    fn newest_words(&self, id: ConversationId) -> Result<Option<MessageView>> {
        // Changes of keys and devices alone are notices without words; few stand in a row.
        let newest = self.history(id, 20, None)?;
        Ok(newest.into_iter().rev().find(|m| !m.notice || !m.text.is_empty()))
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

    fn view_of(&self, c: &Conversation) -> Result<ConversationView> {
        let members = self.members(c.id)?;
        let others: Vec<_> = members.iter().filter(|m| !m.me).map(|m| m.username.clone()).collect();
        let title = match c.kind {
            ConversationKind::SelfConversation => "Notes to self".to_owned(),
            _ if !c.title.is_empty() => c.title.clone(),
            _ => others.join(", "),
        };
        let me = self.identity().map(|me| me.account.as_bytes().to_vec()).unwrap_or_default();
        let unread: i64 = self.db().prepare_cached(
            "SELECT count(*) FROM message WHERE conversation = ?1 AND seq > ?2 AND account <> ?3 AND state IN (1, 2, 3)",
        )?.query_row(params![c.id.as_bytes(), to_sql(c.read.0), me], |row| row.get(0))?;
        let gap = conversation::gaps(self.db())?.into_iter().find(|g| g.0 == c.id).map(|g| (g.1, g.2));
        Ok(ConversationView {
            id: c.id,
            kind: c.kind,
            title,
            members: members.into_iter().map(|m| m.username).collect(),
            last: self.newest_words(c.id)?,
            unread: from_sql(unread),
            gap,
            open: c.left_at.is_none(),
        })
    }

    /// Members of a conversation.
    pub fn members(&self, id: ConversationId) -> Result<Vec<MemberView>> {
        let me = self.identity().map(|me| me.account);
        conversation::participants_of(self.db(), id)?
            .into_iter()
            .map(|p| {
                Ok(MemberView {
                    account: p.account,
                    username: self.name_of(p.account)?,
                    me: Some(p.account) == me,
                })
            })
            .collect()
    }

    /// Devices of the own account.
    pub fn devices(&self) -> Result<Vec<DeviceView>> {
        let Some(me) = self.identity() else { return Ok(Vec::new()) };
        let own = ConversationId::of_self(me.account);
        let now = self.time_of_server();
        people::devices(self.db(), me.account)?
            .into_iter()
            .filter(|d| d.listed)
            .map(|d| {
                let slot = crate::engine::device_name_slot(d.device);
                let name = sealed::value(self.db(), own, &slot)?.unwrap_or_default();
                let mut name = String::from_utf8_lossy(&name).into_owned();
                if name.is_empty() && d.device == me.device {
                    name.clone_from(&me.name);
                }
                let expired = d.valid_until.is_some_and(|until| until <= now);
                Ok(DeviceView {
                    id: d.device,
                    name,
                    primary: d.role == DeviceRole::Primary,
                    this: d.device == me.device,
                    valid_until: d.valid_until,
                    state: if expired { DeviceState::Expired } else { DeviceState::Valid },
                })
            })
            .collect()
    }

    /// Up to `limit` messages, oldest first: the newest, or those before a sequence.
    pub fn history(&self, id: ConversationId, limit: u32, before: Option<Seq>) -> Result<Vec<MessageView>> {
        // Pending messages come last, in the order in which they were written.
        let mut statement = self.db().prepare_cached(&format!(
            "SELECT {COLUMNS} FROM (SELECT {COLUMNS}, row FROM message
               WHERE conversation = ?1 AND (?2 IS NULL OR seq < ?2)
               ORDER BY seq IS NULL DESC, CASE WHEN seq IS NULL THEN row END DESC, seq DESC LIMIT ?3)
             ORDER BY seq IS NULL, seq, row"
        ))?;
        let rows = statement
            .query_map(params![id.as_bytes(), before.map(|s| to_sql(s.0)), limit], RawMessage::read)?
            .collect::<rusqlite::Result<Vec<_>>>()?;
        let markers = self.markers(id)?;
        rows.into_iter().map(|raw| self.message_view(id, raw, &markers)).collect()
    }

    /// One message by its id.
    pub fn message(&self, id: ConversationId, entry: EntryId) -> Result<Option<MessageView>> {
        let raw = self
            .db()
            .prepare_cached(&format!("SELECT {COLUMNS} FROM message WHERE conversation = ?1 AND id = ?2"))?
            .query_row(params![id.as_bytes(), entry.as_bytes()], RawMessage::read)
            .optional()?;
        let markers = self.markers(id)?;
        raw.map(|raw| self.message_view(id, raw, &markers)).transpose()
    }

    fn markers(&self, id: ConversationId) -> Result<Markers> {
        let me = self.identity().map(|me| me.account.as_bytes().to_vec()).unwrap_or_default();
        let others: (Option<i64>, Option<i64>) = self
            .db()
            .prepare_cached(
                "SELECT min(delivered), min(read) FROM participant WHERE conversation = ?1 AND account <> ?2",
            )?
            .query_row(params![id.as_bytes(), me], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let read = Conversation::load(self.db(), id)?.map_or(Seq(0), |c| c.read);
        let seq = |n: Option<i64>| Seq(n.map_or(0, from_sql));
        Ok(Markers { delivered_to_all: seq(others.0), read_by_all: seq(others.1), read_here: read })
    }

    fn message_view(&self, id: ConversationId, raw: RawMessage, markers: &Markers) -> Result<MessageView> {
        let mine = self.identity().is_some_and(|me| me.account == raw.account);
        let seq = raw.seq.unwrap_or_default();
        let shown = match raw.state {
            state::PENDING => MessageState::Pending,
            state::WAITING_KEY | state::WAITING_DEVICE => MessageState::Waiting,
            state::REFUSED => MessageState::Refused,
            state::FAILED => MessageState::Failed,
            state::ERASED => MessageState::Erased,
            _ if mine && seq <= markers.read_by_all => MessageState::Read,
            _ if mine && seq <= markers.delivered_to_all => MessageState::Delivered,
            _ if mine => MessageState::Sent,
            _ if seq <= markers.read_here => MessageState::Read,
            _ => MessageState::Delivered,
        };
        let mut sender = self.name_of(raw.account)?;
        let notice = raw.state == state::COMMIT;
        let mut text = raw.text;
        if notice {
            text = self.describe(&raw.content.unwrap_or_default())?;
        } else if shown == MessageState::Refused {
            text = raw.reason.unwrap_or_default();
        } else if let Some(origin) = raw.content.as_deref().and_then(crate::engine::origin_of) {
            sender = origin;
        }
        Ok(MessageView {
            conversation: id,
            seq: raw.seq,
            id: raw.id,
            sender,
            account: raw.account,
            device: raw.device,
            sent_at: raw.sent_at,
            text,
            state: shown,
            mine,
            notice,
        })
    }

    fn describe(&self, content: &[u8]) -> Result<String> {
        let (joined, left) = membership_note(content);
        let names = |accounts: Vec<AccountId>| -> Result<String> {
            let names = accounts.into_iter().map(|a| self.name_of(a)).collect::<Result<Vec<_>>>()?;
            Ok(names.join(", "))
        };
        let mut parts = Vec::new();
        if !joined.is_empty() {
            parts.push(format!("+ {}", names(joined)?));
        }
        if !left.is_empty() {
            parts.push(format!("- {}", names(left)?));
        }
        Ok(parts.join(" "))
    }

    fn name_of(&self, account: AccountId) -> Result<String> {
        Ok(people::account(self.db(), account)?
            .map_or_else(|| account.to_string()[..8].to_owned(), |a| a.username.to_string()))
    }
}

struct Markers {
    delivered_to_all: Seq,
    read_by_all: Seq,
    read_here: Seq,
}

struct RawMessage {
    seq: Option<Seq>,
    id: EntryId,
    account: AccountId,
    device: DeviceId,
    sent_at: Timestamp,
    state: u8,
    reason: Option<String>,
    text: String,
    content: Option<Vec<u8>>,
}

impl RawMessage {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            seq: row.get::<_, Option<i64>>(0)?.map(|s| Seq(from_sql(s))),
            id: EntryId::new(row.get(1)?),
            account: AccountId::new(row.get(2)?),
            device: DeviceId::new(row.get(3)?),
            sent_at: Timestamp(from_sql(row.get(4)?)),
            state: row.get(5)?,
            reason: row.get(6)?,
            text: row.get(7)?,
            content: row.get(8)?,
        })
    }
}
