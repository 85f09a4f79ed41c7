//! Messages: parts of a conversation, and single ones.

use diario_protocol::{AccountId, ConversationId, DeviceId, EntryId, Seq, Timestamp};
use rusqlite::{OptionalExtension, Row, params};

use super::list::Markers;
use super::{MembershipChange, MessageState, MessageView, Result};
use crate::content::{MessageId, MimiContent, account_uri, conversation_uri};
use crate::engine::{Engine, membership_note, origin_of};
use crate::store::hole::{self, Hole};
use crate::store::message::state;
use crate::store::{from_sql, to_sql};

/// Where a part of a conversation begins or ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    /// The newest messages, and those that wait to be sent.
    Newest,
    /// Those right before a sequence.
    Before(Seq),
    /// Those right after a sequence; at the end, those that wait to be sent too.
    After(Seq),
    /// Those around the first unread one; the newest if none is unread, or the first unread one is not here.
    Unread,
    /// Those around a sequence.
    Around(Seq),
}

/// A part of a log that is not here, both ends included. [`Engine::fetch_before`] and [`Engine::fetch_after`] bring it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Missing {
    /// First sequence.
    pub first: Seq,
    /// Last sequence.
    pub last: Seq,
}

impl From<Hole> for Missing {
    fn from(hole: Hole) -> Self {
        Self { first: hole.first, last: hole.last }
    }
}

/// A part of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Page {
    /// Its messages, oldest first; those that are not in the log (waiting to be sent, or failed) come last.
    pub messages: Vec<MessageView>,
    /// Whether there are older ones.
    pub more_before: bool,
    /// Whether there are newer ones.
    pub more_after: bool,
    /// What is missing right before them. Of a conversation whose newest part is not here there may be one message
    /// nevertheless: the newest, with what is missing around it.
    pub missing_before: Option<Missing>,
    /// What is missing right after them.
    pub missing_after: Option<Missing>,
}

pub(super) const COLUMNS: &str = "seq, id, account, device, sent_at, state, reason, text, content";

/// What people see: no commit that changed nobody's membership, and nothing that came with a page because it is about
/// it and stands elsewhere.
const SAYS_SOMETHING: &str =
    "((state <> 5 OR content IS NOT NULL) AND (annotates IS NULL OR hash IS NOT NULL OR seq IS NULL))";

pub(super) struct RawMessage {
    seq: Option<Seq>,
    id: EntryId,
    account: AccountId,
    device: DeviceId,
    pub(super) sent_at: Timestamp,
    pub(super) state: u8,
    reason: Option<String>,
    pub(super) text: String,
    content: Option<Vec<u8>>,
}

impl RawMessage {
    pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
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

/// A stretch of the log, both ends excluded.
#[derive(Debug, Clone, Copy)]
pub(super) enum Stretch {
    /// The newest before a sequence.
    Before(Seq),
    /// The oldest after a sequence.
    After(Seq),
}

impl Stretch {
    pub(super) fn sql(self) -> String {
        let (bound, order) = match self {
            Self::Before(_) => ("seq < ?2 AND seq > ?4", "DESC"),
            Self::After(_) => ("seq > ?2 AND seq < ?4", "ASC"),
        };
        format!(
            "SELECT {COLUMNS} FROM message WHERE conversation = ?1 AND {bound} AND {SAYS_SOMETHING}
             ORDER BY seq {order} LIMIT ?3"
        )
    }
}

pub(super) fn unsent_sql() -> String {
    format!(
        "SELECT {COLUMNS} FROM message INDEXED BY message_unsent
         WHERE conversation = ?1 AND seq IS NULL ORDER BY row DESC LIMIT ?2"
    )
}

impl Engine {
    /// Part of a conversation, up to `limit` messages. Changes of keys or devices alone are left out: [`Self::log`] has
    /// them.
    ///
    /// Of those that are not in the log, the newest come, and leave room for one that is: so there is always a sequence
    /// to go on from.
    pub fn history(&self, id: ConversationId, anchor: Anchor, limit: u32) -> Result<Page> {
        let limit = limit.max(1) as usize;
        let mut page = RawPage::default();
        match anchor {
            Anchor::Newest => self.newest(id, limit, &mut page)?,
            Anchor::Before(seq) => {
                self.before(id, seq, limit, &mut page)?;
                page.more_after = true;
            }
            Anchor::After(seq) => {
                self.after(id, seq, limit, &mut page)?;
                page.more_before = seq.0 > 0;
            }
            Anchor::Unread => match self.first_unread(id)? {
                None => self.newest(id, limit, &mut page)?,
                Some(first) => self.around(id, first, limit, &mut page)?,
            },
            Anchor::Around(seq) => self.around(id, seq, limit, &mut page)?,
        }
        let messages = self.message_views(id, page.messages)?;
        Ok(Page {
            messages,
            more_before: page.more_before,
            more_after: page.more_after,
            missing_before: page.missing_before,
            missing_after: page.missing_after,
        })
    }

    fn around(&self, id: ConversationId, seq: Seq, limit: usize, page: &mut RawPage) -> Result<()> {
        self.before(id, seq, limit / 2, page)?;
        let room = limit - page.messages.len();
        self.after(id, Seq(seq.0.saturating_sub(1)), room, page)
    }

    /// Messages before a place, down to where something is missing.
    fn before(&self, id: ConversationId, seq: Seq, limit: usize, page: &mut RawPage) -> Result<()> {
        let below = hole::below(self.db(), id, seq)?;
        let floor = below.map_or(Seq(0), |hole| hole.last.min(Seq(seq.0.saturating_sub(1))));
        let more = self.take(id, Stretch::Before(seq), floor, limit, &mut page.messages)?;
        page.more_before = more || below.is_some();
        page.missing_before = below.filter(|_| !more).map(Missing::from);
        Ok(())
    }

    /// Up to `limit` entries of a conversation, oldest first: the newest with those that wait to be sent, or those
    /// before a sequence. Changes of keys or devices are among them, too.
    pub fn log(&self, id: ConversationId, limit: u32, before: Option<Seq>) -> Result<Vec<MessageView>> {
        let limit = limit as usize;
        let waiting = if before.is_none() { self.unsent(id, limit)? } else { Vec::new() };
        let mut statement = self.db().prepare_cached(&format!(
            "SELECT {COLUMNS} FROM message WHERE conversation = ?1 AND seq < ?2 ORDER BY seq DESC LIMIT ?3"
        ))?;
        let before = before.map_or(i64::MAX, |seq| to_sql(seq.0));
        let room = limit.saturating_sub(waiting.len());
        let mut rows = statement
            .query_map(params![id.as_bytes(), before, to_sql(room as u64)], RawMessage::read)?
            .collect::<rusqlite::Result<Vec<_>>>()?;
        rows.reverse();
        rows.extend(waiting);
        self.message_views(id, rows)
    }

    /// The id of the message at a place, by which contents name it, if it can be read here.
    pub fn message_id(&self, id: ConversationId, seq: Seq) -> Result<Option<MessageId>> {
        let row: Option<(AccountId, Option<Vec<u8>>)> = self
            .db()
            .prepare_cached(
                "SELECT account, content FROM message WHERE conversation = ?1 AND seq = ?2 AND state = ?3",
            )?
            .query_row(params![id.as_bytes(), to_sql(seq.0), state::READABLE], |row| {
                Ok((AccountId::new(row.get(0)?), row.get(1)?))
            })
            .optional()?;
        let Some((account, Some(content))) = row else { return Ok(None) };
        let (sender, room) = (account_uri(account.as_bytes()), conversation_uri(id.as_bytes()));
        let read = MimiContent::decode(&content).ok();
        Ok(read.and_then(|read| MessageId::derive(&content, &read.salt, &sender, &room).ok()))
    }

    /// What is here of what was said about an entry, oldest first: edits, reactions, deletions.
    pub fn said_about(&self, id: ConversationId, seq: Seq) -> Result<Vec<MessageView>> {
        let mut find = self.db().prepare_cached(&format!(
            "SELECT {COLUMNS} FROM message WHERE conversation = ?1 AND annotates = ?2 AND seq IS NOT NULL ORDER BY seq"
        ))?;
        let rows = find
            .query_map(params![id.as_bytes(), to_sql(seq.0)], RawMessage::read)?
            .collect::<rusqlite::Result<Vec<_>>>()?;
        self.message_views(id, rows)
    }

    /// How many entries of a conversation are here that say something.
    pub(crate) fn said_in(&self, id: ConversationId) -> Result<u64> {
        let mut statement = self.db().prepare_cached(&format!(
            "SELECT count(*) FROM message WHERE conversation = ?1 AND {SAYS_SOMETHING}"
        ))?;
        Ok(from_sql(statement.query_row([id.as_bytes()], |row| row.get::<_, i64>(0))?))
    }

    /// One message by its id.
    pub fn message(&self, id: ConversationId, entry: EntryId) -> Result<Option<MessageView>> {
        let raw = self
            .db()
            .prepare_cached(&format!("SELECT {COLUMNS} FROM message WHERE conversation = ?1 AND id = ?2"))?
            .query_row(params![id.as_bytes(), entry.as_bytes()], RawMessage::read)
            .optional()?;
        Ok(self.message_views(id, raw.into_iter().collect())?.pop())
    }

    /// The newest message that says something: one that waits to be sent, else of the log and of those that failed the
    /// later one.
    pub(super) fn newest_words(&self, id: ConversationId) -> Result<Option<RawMessage>> {
        let unsent = self.unsent(id, 1)?.pop();
        if unsent.as_ref().is_some_and(|m| m.state == state::PENDING) {
            return Ok(unsent);
        }
        let mut logged = Vec::new();
        self.take(id, Stretch::Before(Seq(u64::MAX)), Seq(0), 1, &mut logged)?;
        Ok(match (logged.pop(), unsent) {
            // What cannot be read has no time, and came of late.
            (Some(logged), Some(failed)) if logged.sent_at.0 == 0 || failed.sent_at < logged.sent_at => {
                Some(logged)
            }
            (logged, failed) => failed.or(logged),
        })
    }

    fn newest(&self, id: ConversationId, limit: usize, page: &mut RawPage) -> Result<()> {
        let waiting = self.unsent(id, limit.saturating_sub(1).max(1))?;
        let room = limit - waiting.len();
        self.before(id, Seq(u64::MAX), room, page)?;
        if page.messages.is_empty() && page.missing_before.is_some() {
            self.take(id, Stretch::Before(Seq(u64::MAX)), Seq(0), 1, &mut page.messages)?;
        }
        page.messages.extend(waiting);
        Ok(())
    }

    fn after(&self, id: ConversationId, seq: Seq, limit: usize, page: &mut RawPage) -> Result<()> {
        let before = page.messages.len();
        let above = hole::above(self.db(), id, seq)?;
        let ceiling = above.map_or(Seq(u64::MAX), |hole| hole.first.max(seq.next()));
        let more = self.take(id, Stretch::After(seq), ceiling, limit, &mut page.messages)?;
        if more || above.is_some() {
            page.more_after = true;
            page.missing_after = above.filter(|_| !more).map(Missing::from);
            return Ok(());
        }
        let taken = page.messages.len() - before;
        let room = limit - taken;
        let mut waiting = self.unsent(id, limit + 1)?;
        if waiting.len() > room && taken > 0 {
            // They come whole, after the last one that is in the log.
            page.more_after = true;
        } else {
            let newest = waiting.len().saturating_sub(limit);
            page.messages.extend(waiting.drain(newest..));
        }
        Ok(())
    }

    /// Adds up to `limit` messages of the log, oldest first, as far as `bound` (excluded); says whether there are more.
    fn take(
        &self,
        id: ConversationId,
        stretch: Stretch,
        bound: Seq,
        limit: usize,
        into: &mut Vec<RawMessage>,
    ) -> Result<bool> {
        let (Stretch::Before(seq) | Stretch::After(seq)) = stretch;
        let mut statement = self.db().prepare_cached(&stretch.sql())?;
        let most = to_sql(limit as u64).saturating_add(1);
        let mut rows = statement
            .query_map(params![id.as_bytes(), to_sql(seq.0), most, to_sql(bound.0)], RawMessage::read)?
            .collect::<rusqlite::Result<Vec<_>>>()?;
        let more = rows.len() > limit;
        rows.truncate(limit);
        if matches!(stretch, Stretch::Before(_)) {
            rows.reverse();
        }
        into.extend(rows);
        Ok(more)
    }

    /// Every message that waits to be sent, or failed, oldest first.
    pub(crate) fn not_in_the_log(&self, id: ConversationId) -> Result<Vec<MessageView>> {
        let rows = self.unsent(id, usize::MAX)?;
        self.message_views(id, rows)
    }

    /// The newest messages that are not in the log, oldest first.
    fn unsent(&self, id: ConversationId, most: usize) -> Result<Vec<RawMessage>> {
        let mut statement = self.db().prepare_cached(&unsent_sql())?;
        let mut rows = statement
            .query_map(params![id.as_bytes(), to_sql(most as u64)], RawMessage::read)?
            .collect::<rusqlite::Result<Vec<_>>>()?;
        rows.reverse();
        Ok(rows)
    }

    fn message_views(&self, id: ConversationId, rows: Vec<RawMessage>) -> Result<Vec<MessageView>> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let markers = self.markers(id)?;
        let mut names = Names::default();
        rows.into_iter().map(|raw| self.message_view(id, raw, &markers, &mut names)).collect()
    }

    pub(super) fn message_view(
        &self,
        id: ConversationId,
        raw: RawMessage,
        markers: &Markers,
        names: &mut Names,
    ) -> Result<MessageView> {
        let mut mine = self.identity().is_some_and(|me| me.account == raw.account);
        let seq = raw.seq.unwrap_or_default();
        let shown = match raw.state {
            state::PENDING => MessageState::Pending,
            state::WAITING_KEY | state::WAITING_DEVICE => MessageState::Waiting,
            state::REFUSED => MessageState::Refused,
            state::FAILED => MessageState::Failed,
            state::ERASED | state::GONE => MessageState::Erased,
            _ if mine && seq <= markers.read_by_all => MessageState::Read,
            _ if mine && seq <= markers.delivered_to_all => MessageState::Delivered,
            _ if mine => MessageState::Sent,
            _ if seq <= markers.read_here => MessageState::Read,
            _ => MessageState::Delivered,
        };
        let mut membership = None;
        let mut sender = names.of(self, raw.account)?;
        if raw.state == state::COMMIT {
            let (joined, left) = membership_note(&raw.content.unwrap_or_default());
            let mut all = |accounts: Vec<AccountId>| {
                accounts.into_iter().map(|a| names.of(self, a)).collect::<Result<Vec<_>>>()
            };
            membership = Some(MembershipChange { joined: all(joined)?, left: all(left)? });
        } else if let Some(origin) = raw.content.as_deref().and_then(origin_of) {
            // Brought here by this account, and said by whoever the export names.
            mine &= self.identity().is_some_and(|me| origin.eq_ignore_ascii_case(me.username.as_str()));
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
            text: raw.text,
            state: shown,
            reason: raw.reason,
            mine,
            membership,
        })
    }
}

#[derive(Default)]
struct RawPage {
    messages: Vec<RawMessage>,
    more_before: bool,
    more_after: bool,
    missing_before: Option<Missing>,
    missing_after: Option<Missing>,
}

/// Names that were looked up already.
#[derive(Debug, Default)]
pub(super) struct Names(std::collections::HashMap<AccountId, String>);

impl Names {
    pub(super) fn of(&mut self, engine: &Engine, account: AccountId) -> Result<String> {
        if let Some(name) = self.0.get(&account) {
            return Ok(name.clone());
        }
        let name = engine.name_of(account)?;
        self.0.insert(account, name.clone());
        Ok(name)
    }
}
