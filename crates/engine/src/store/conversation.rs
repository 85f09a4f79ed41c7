//! Conversations, their participants and gaps.

use diario_protocol::roster::{Participant, Role};
use diario_protocol::{
    AccountId, ConversationId, ConversationKind, Digest, Epoch, LogHash, Seq, SlotVersion, Timestamp,
};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{StoreError, from_sql, id, to_sql};

/// How this device stands to a conversation's MLS group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Membership {
    /// Not in the group: reads by the keyring, may join.
    Outside,
    /// Made the group; the server has not confirmed it yet.
    Creating,
    /// Sent an external commit that the log does not show yet.
    Joining,
    /// In the group.
    Member,
}

/// A conversation as this device holds it; one row.
#[derive(Debug, Clone)]
pub(crate) struct Conversation {
    pub(crate) id: ConversationId,
    pub(crate) kind: ConversationKind,
    pub(crate) membership: Membership,
    /// First sequence of this account; 0 until the server knows the conversation.
    pub(crate) since: Seq,
    /// Epoch at `since`.
    pub(crate) since_epoch: Epoch,
    /// Running hash before `since`.
    pub(crate) since_hash: LogHash,
    pub(crate) log_next: Seq,
    pub(crate) log_hash: LogHash,
    pub(crate) log_epoch: Epoch,
    pub(crate) known_head: Seq,
    pub(crate) epoch_since: Timestamp,
    pub(crate) epoch_entries: u64,
    pub(crate) left_at: Option<Seq>,
    pub(crate) title: String,
    pub(crate) delivered: Seq,
    pub(crate) read: Seq,
    pub(crate) marked_delivered: Seq,
    pub(crate) marked_read: Seq,
    pub(crate) mark_version: SlotVersion,
    /// Differs from its row.
    pub(crate) dirty: bool,
}

const COLUMNS: &str = "id, kind, group_state, since, log_next, log_hash, log_epoch, known_head, epoch_since, \
    epoch_entries, left_at, title, delivered, read, marked_delivered, marked_read, mark_version, since_epoch, since_hash";

pub(crate) fn kind_from(n: u8) -> Result<ConversationKind, StoreError> {
    match n {
        0 => Ok(ConversationKind::SelfConversation),
        1 => Ok(ConversationKind::Direct),
        2 => Ok(ConversationKind::Group),
        _ => Err(StoreError::Damaged("a kind of conversation that is none")),
    }
}

pub(crate) const fn kind_number(kind: ConversationKind) -> u8 {
    match kind {
        ConversationKind::SelfConversation => 0,
        ConversationKind::Direct => 1,
        ConversationKind::Group => 2,
    }
}

fn membership_from(n: u8) -> Result<Membership, StoreError> {
    match n {
        0 => Ok(Membership::Outside),
        1 => Ok(Membership::Creating),
        2 => Ok(Membership::Joining),
        3 => Ok(Membership::Member),
        _ => Err(StoreError::Damaged("a group state that is none")),
    }
}

const fn membership_number(membership: Membership) -> u8 {
    match membership {
        Membership::Outside => 0,
        Membership::Creating => 1,
        Membership::Joining => 2,
        Membership::Member => 3,
    }
}

fn read(row: &Row<'_>) -> Result<Conversation, StoreError> {
    let n = |i: usize| -> Result<u64, StoreError> { Ok(from_sql(row.get(i)?)) };
    let hash: Vec<u8> = row.get(5)?;
    Ok(Conversation {
        id: id(row.get_ref(0)?.as_blob().unwrap_or_default(), ConversationId::from_slice)?,
        kind: kind_from(row.get(1)?)?,
        membership: membership_from(row.get(2)?)?,
        since: Seq(n(3)?),
        log_next: Seq(n(4)?),
        log_hash: LogHash(id(&hash, Digest::from_slice)?),
        log_epoch: Epoch(n(6)?),
        known_head: Seq(n(7)?),
        epoch_since: Timestamp(n(8)?),
        epoch_entries: n(9)?,
        left_at: row.get::<_, Option<i64>>(10)?.map(|s| Seq(from_sql(s))),
        title: row.get(11)?,
        delivered: Seq(n(12)?),
        read: Seq(n(13)?),
        marked_delivered: Seq(n(14)?),
        marked_read: Seq(n(15)?),
        mark_version: SlotVersion(n(16)?),
        since_epoch: Epoch(n(17)?),
        since_hash: LogHash(id(&row.get::<_, Vec<u8>>(18)?, Digest::from_slice)?),
        dirty: false,
    })
}

impl Conversation {
    /// A conversation that begins here, not yet in the store.
    pub(crate) fn new(conversation: ConversationId, kind: ConversationKind, now: Timestamp) -> Self {
        Self {
            id: conversation,
            kind,
            membership: Membership::Outside,
            since: Seq(0),
            since_epoch: Epoch(0),
            since_hash: LogHash::start(&conversation),
            log_next: Seq(1),
            log_hash: LogHash::start(&conversation),
            log_epoch: Epoch(0),
            known_head: Seq(0),
            epoch_since: now,
            epoch_entries: 0,
            left_at: None,
            title: String::new(),
            delivered: Seq(0),
            read: Seq(0),
            marked_delivered: Seq(0),
            marked_read: Seq(0),
            mark_version: SlotVersion(0),
            dirty: true,
        }
    }

    pub(crate) fn load(db: &Connection, conversation: ConversationId) -> Result<Option<Self>, StoreError> {
        db.prepare_cached(&format!("SELECT {COLUMNS} FROM conversation WHERE id = ?1"))?
            .query_row([conversation.as_bytes()], |row| Ok(read(row)))
            .optional()?
            .transpose()
    }

    pub(crate) fn all(db: &Connection) -> Result<Vec<Self>, StoreError> {
        let mut statement = db.prepare_cached(&format!("SELECT {COLUMNS} FROM conversation"))?;
        let rows = statement.query_map([], |row| Ok(read(row)))?;
        rows.map(|row| row?).collect()
    }

    pub(crate) fn save(&self, db: &Connection) -> Result<(), StoreError> {
        db.prepare_cached(&format!(
            "INSERT OR REPLACE INTO conversation({COLUMNS})
             VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)"
        ))?
        .execute(params![
            self.id.as_bytes(),
            kind_number(self.kind),
            membership_number(self.membership),
            to_sql(self.since.0),
            to_sql(self.log_next.0),
            self.log_hash.0.as_bytes(),
            to_sql(self.log_epoch.0),
            to_sql(self.known_head.0),
            to_sql(self.epoch_since.0),
            to_sql(self.epoch_entries),
            self.left_at.map(|s| to_sql(s.0)),
            self.title,
            to_sql(self.delivered.0),
            to_sql(self.read.0),
            to_sql(self.marked_delivered.0),
            to_sql(self.marked_read.0),
            to_sql(self.mark_version.0),
            to_sql(self.since_epoch.0),
            self.since_hash.0.as_bytes(),
        ])?;
        Ok(())
    }

    /// Reads the log from its beginning again; where the group stands is not touched.
    pub(crate) fn restart(&mut self) {
        self.log_next = Seq(self.since.0.max(1));
        self.log_hash = self.since_hash;
        self.log_epoch = self.since_epoch;
        self.known_head = Seq(self.log_next.0.saturating_sub(1));
        self.left_at = None;
        self.mark_version = SlotVersion(0);
        self.dirty = true;
    }

    /// Nothing up to there is unread. Of an earlier time in the conversation nothing is, either: devices that came later
    /// are told nothing of it, and all of an account's count alike.
    pub(crate) fn seen(&self) -> Seq {
        self.read.max(Seq(self.since.0.saturating_sub(1)))
    }

    /// Whether the account takes part and the server knows it.
    pub(crate) fn is_open(&self) -> bool {
        self.left_at.is_none() && self.since.0 > 0
    }
}

/// How many conversations are here.
pub(crate) fn count(db: &Connection) -> Result<u64, StoreError> {
    let count = db.prepare_cached("SELECT count(*) FROM conversation")?.query_row([], |row| row.get(0))?;
    Ok(from_sql(count))
}

/// Replaces the participants, keeping the markers of those that stay.
pub(crate) fn set_participants(
    db: &Connection,
    conversation: ConversationId,
    participants: &[Participant],
) -> Result<(), StoreError> {
    let before = participants_of(db, conversation)?;
    for gone in before.iter().filter(|b| participants.iter().all(|p| p.account != b.account)) {
        db.prepare_cached("DELETE FROM participant WHERE conversation = ?1 AND account = ?2")?
            .execute(params![conversation.as_bytes(), gone.account.as_bytes()])?;
    }
    for participant in participants {
        let role = matches!(participant.role, Role::Admin);
        db.prepare_cached(
            "INSERT INTO participant(conversation, account, role, delivered, read) VALUES(?1, ?2, ?3, 0, 0)
             ON CONFLICT DO UPDATE SET role = excluded.role",
        )?
        .execute(params![conversation.as_bytes(), participant.account.as_bytes(), role])?;
    }
    Ok(())
}

pub(crate) fn participants_of(
    db: &Connection,
    conversation: ConversationId,
) -> Result<Vec<Participant>, StoreError> {
    let mut statement =
        db.prepare_cached("SELECT account, role FROM participant WHERE conversation = ?1 ORDER BY account")?;
    let rows = statement.query_map([conversation.as_bytes()], |row| {
        Ok((row.get::<_, [u8; 16]>(0)?, row.get::<_, bool>(1)?))
    })?;
    rows.map(|row| {
        let (account, admin) = row?;
        let role = if admin { Role::Admin } else { Role::Member };
        Ok(Participant { account: AccountId::new(account), role })
    })
    .collect()
}

/// Moves another account's markers forward, never back; says whether they moved.
pub(crate) fn move_markers(
    db: &Connection,
    conversation: ConversationId,
    account: AccountId,
    delivered: Seq,
    read: Seq,
) -> Result<bool, StoreError> {
    let changed = db
        .prepare_cached(
            "UPDATE participant SET delivered = max(delivered, ?3), read = max(read, ?4)
             WHERE conversation = ?1 AND account = ?2 AND (delivered < ?3 OR read < ?4)",
        )?
        .execute(params![conversation.as_bytes(), account.as_bytes(), to_sql(delivered.0), to_sql(read.0)])?;
    Ok(changed > 0)
}

/// How far everybody in a conversation has it: account, delivered, read.
pub(crate) fn markers_of(
    db: &Connection,
    conversation: ConversationId,
) -> Result<Vec<(AccountId, Seq, Seq)>, StoreError> {
    let mut statement =
        db.prepare_cached("SELECT account, delivered, read FROM participant WHERE conversation = ?1")?;
    let rows = statement.query_map([conversation.as_bytes()], |row| {
        Ok((AccountId::new(row.get(0)?), Seq(from_sql(row.get(1)?)), Seq(from_sql(row.get(2)?))))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Conversations in which `account` takes part, as known here.
pub(crate) fn shared_with(db: &Connection, account: AccountId) -> Result<Vec<ConversationId>, StoreError> {
    let mut statement = db.prepare_cached("SELECT conversation FROM participant WHERE account = ?1")?;
    let rows = statement.query_map([account.as_bytes()], |row| row.get::<_, [u8; 16]>(0))?;
    Ok(rows.map(|row| row.map(ConversationId::new)).collect::<Result<_, _>>()?)
}

/// Notes that the log from `first` to `last` is missing here.
pub(crate) fn note_gap(
    db: &Connection,
    conversation: ConversationId,
    first: Seq,
    last: Seq,
) -> Result<(), StoreError> {
    db.prepare_cached(
        "INSERT INTO gap(conversation, first, last) VALUES(?1, ?2, ?3)
         ON CONFLICT DO UPDATE SET first = excluded.first, last = max(last, excluded.last)",
    )?
    .execute(params![conversation.as_bytes(), to_sql(first.0), to_sql(last.0)])?;
    Ok(())
}

/// Forgets the part of a gap below `next`.
pub(crate) fn fill_gap(db: &Connection, conversation: ConversationId, next: Seq) -> Result<(), StoreError> {
    db.prepare_cached("DELETE FROM gap WHERE conversation = ?1 AND last < ?2")?
        .execute(params![conversation.as_bytes(), to_sql(next.0)])?;
    db.prepare_cached("UPDATE gap SET first = max(first, ?2) WHERE conversation = ?1")?
        .execute(params![conversation.as_bytes(), to_sql(next.0)])?;
    Ok(())
}

/// What is missing of one conversation: first and last sequence.
pub(crate) fn gap(db: &Connection, conversation: ConversationId) -> Result<Option<(Seq, Seq)>, StoreError> {
    Ok(db
        .prepare_cached("SELECT first, last FROM gap WHERE conversation = ?1")?
        .query_row([conversation.as_bytes()], |row| {
            Ok((Seq(from_sql(row.get(0)?)), Seq(from_sql(row.get(1)?))))
        })
        .optional()?)
}

/// All gaps: conversation, first and last sequence missing.
pub(crate) fn gaps(db: &Connection) -> Result<Vec<(ConversationId, Seq, Seq)>, StoreError> {
    let mut statement = db.prepare_cached("SELECT conversation, first, last FROM gap")?;
    let rows = statement.query_map([], |row| Ok((row.get::<_, [u8; 16]>(0)?, row.get(1)?, row.get(2)?)))?;
    rows.map(|row| {
        let (conversation, first, last) = row?;
        Ok((ConversationId::new(conversation), Seq(from_sql(first)), Seq(from_sql(last))))
    })
    .collect()
}
