//! Reads of conversations: logs, slots, groups, welcomes.

use diario_protocol::{
    AccountId, Bin, Body, ConversationId, DeviceRef, Entry, EntryId, Epoch, GroupState, LogHash, LogPage,
    LogRange, Membership, Refusal, Seq, Slot, SlotKey, Timestamp, Welcome,
};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::cache::Conversation;
use super::sql::{self, ENTRY_COLUMNS, FOREVER, SLOT_COLUMNS, int};
use super::writer::Outcome;
use crate::storage::CommitBasis;

/// Most bytes of an answer that is not cut into pages; half of what a device takes.
pub(super) const ANSWER_BYTES: usize = diario_protocol::limits::SERVER_FRAME / 2;
/// About the bytes of an entry or slot beside its body.
pub(super) const OVERHEAD: usize = 128;
/// Most entries that come along because they are about a page's.
const MOST_ABOUT: usize = 1_000;

/// A membership and where it ended, if it did.
pub(super) struct Window {
    pub(super) membership: Membership,
    pub(super) until: Option<Seq>,
}

/// A conversation's newest state, for the writer's cache.
pub(super) fn load_conversation(
    db: &Connection,
    id: ConversationId,
) -> Result<Option<Conversation>, rusqlite::Error> {
    let find = "SELECT kind, epoch FROM conversation WHERE id = ?1";
    let found = db
        .prepare_cached(find)?
        .query_row([id.as_bytes()], |row| Ok((sql::kind(row, 0)?, Epoch(sql::uint(row, 1)?))))
        .optional()?;
    let Some((kind, epoch)) = found else { return Ok(None) };
    let (head, hash) = log_head(db, id)?;
    let participants = participants(db, id)?.into();
    Ok(Some(Conversation { kind, epoch, head, hash, participants, roster: None }))
}

pub(super) fn participants(db: &Connection, id: ConversationId) -> Result<Vec<AccountId>, rusqlite::Error> {
    let find = "SELECT account FROM member WHERE conversation = ?1 AND until = ?2";
    let mut find = db.prepare_cached(find)?;
    find.query_map(params![id.as_bytes(), FOREVER], |row| sql::account(row, 0))?.collect()
}

pub(super) fn log_head(db: &Connection, id: ConversationId) -> Result<(Seq, LogHash), rusqlite::Error> {
    let last = "SELECT seq, hash FROM log WHERE conversation = ?1 ORDER BY seq DESC LIMIT 1";
    let last = db
        .prepare_cached(last)?
        .query_row([id.as_bytes()], |row| Ok((Seq(sql::uint(row, 0)?), sql::hash(row, 1)?)))
        .optional()?;
    Ok(last.unwrap_or((Seq(0), LogHash::start(&id))))
}

/// The running hash before entry `seq`.
pub(super) fn hash_before(db: &Connection, id: ConversationId, seq: Seq) -> Result<LogHash, rusqlite::Error> {
    let find = "SELECT hash FROM log WHERE conversation = ?1 AND seq = ?2";
    let values = params![id.as_bytes(), int(seq.0.saturating_sub(1))];
    let hash = db.prepare_cached(find)?.query_row(values, |row| sql::hash(row, 0)).optional()?;
    Ok(hash.unwrap_or_else(|| LogHash::start(&id)))
}

/// Every time that an account was in a conversation, oldest first.
pub(super) fn windows(
    db: &Connection,
    account: AccountId,
    id: ConversationId,
) -> Result<Vec<Window>, rusqlite::Error> {
    let find =
        "SELECT c.kind, m.since, m.epoch, m.hash_before, m.until, c.keep_days, c.keep_delivered FROM member m
        JOIN conversation c ON c.id = m.conversation
        WHERE m.conversation = ?1 AND m.account = ?2 ORDER BY m.since";
    db.prepare_cached(find)?
        .query_map(params![id.as_bytes(), account.as_bytes()], |row| window(row, id))?
        .collect()
}

fn window(row: &Row<'_>, conversation: ConversationId) -> Result<Window, rusqlite::Error> {
    let until: i64 = row.get(4)?;
    Ok(Window {
        membership: Membership {
            conversation,
            kind: sql::kind(row, 0)?,
            since: Seq(sql::uint(row, 1)?),
            epoch: Epoch(sql::uint(row, 2)?),
            hash_before: sql::hash(row, 3)?,
            // Filled in by those who give it out.
            participants: Vec::new(),
            retention: super::retention::rule(row, 5)?,
        },
        until: if until == FOREVER { None } else { Some(Seq(sql::uint(row, 4)?)) },
    })
}

/// The membership of an account that began with entry `since`.
pub(super) fn membership(
    db: &Connection,
    account: AccountId,
    id: ConversationId,
    since: Seq,
) -> Result<Option<Membership>, rusqlite::Error> {
    let all = windows(db, account, id)?;
    let Some(found) = all.into_iter().find(|w| w.membership.since == since) else { return Ok(None) };
    let mut membership = found.membership;
    if found.until.is_none() {
        // Who left does not learn who is in it now.
        membership.participants = participants(db, id)?;
    }
    Ok(Some(membership))
}

fn check_participant(db: &Connection, account: AccountId, id: ConversationId) -> Outcome<()> {
    let find = "SELECT 1 FROM member WHERE conversation = ?1 AND account = ?2 AND until = ?3";
    let is = db.prepare_cached(find)?.exists(params![id.as_bytes(), account.as_bytes(), FOREVER])?;
    if is { Ok(()) } else { Err(Refusal::NotMember.into()) }
}

/// See [`crate::storage::Storage::log`].
pub(super) fn log(db: &Connection, account: AccountId, range: &LogRange, bytes: usize) -> Outcome<LogPage> {
    let id = range.conversation;
    let all = windows(db, account, id)?;
    let Some(newest) = all.last() else { return Err(Refusal::NotMember.into()) };
    let (log_end, _) = log_head(db, id)?;
    let head = newest.until.unwrap_or(log_end);
    // The time in the conversation that the range begins in.
    let covers = |w: &&Window| range.from >= w.membership.since && w.until.is_none_or(|u| range.from <= u);
    let Some(window) = all.iter().find(covers) else {
        return if range.from > head && range.from.0 > 0 {
            Ok(LogPage {
                conversation: id,
                hash_before: hash_before(db, id, head.next())?,
                entries: Vec::new(),
                head,
                about: Vec::new(),
            })
        } else {
            let next = all.iter().find(|w| w.membership.since > range.from).unwrap_or(newest);
            Err(Refusal::BeforeStart(next.membership.since).into())
        };
    };
    let to = range.to.min(window.until.unwrap_or(log_end));
    let entries = entries(db, range, to, bytes)?;
    let first = entries.first().map_or(range.from.min(log_end.next()), |e| e.seq);
    let about = match (range.about, entries.last()) {
        (Some(to), Some(last)) => about(db, id, (first, last.seq), to.min(head), &all, bytes)?,
        _ => Vec::new(),
    };
    Ok(LogPage { conversation: id, hash_before: hash_before(db, id, first)?, entries, head, about })
}

/// What entries after a page and up to `to`, as far as the account may read them, say about the page's.
fn about(
    db: &Connection,
    id: ConversationId,
    (first, last): (Seq, Seq),
    to: Seq,
    may_read: &[Window],
    bytes: usize,
) -> Result<Vec<Entry>, rusqlite::Error> {
    // An edit or a deletion is by who said it; without it the page would show what is no longer so.
    let find = format!(
        "SELECT a.seq FROM log a JOIN log b ON b.conversation = a.conversation AND b.seq = a.annotates
            WHERE a.conversation = ?1 AND a.annotates > 0 AND a.annotates >= ?2 AND a.annotates <= ?3
            AND a.seq > ?3 AND a.seq <= ?4
            ORDER BY a.account = b.account DESC, a.seq DESC LIMIT {MOST_ABOUT}"
    );
    let values = params![id.as_bytes(), int(first.0), int(last.0), int(to.0)];
    let places: Vec<Seq> = db
        .prepare_cached(&find)?
        .query_map(values, |row| Ok(Seq(sql::uint(row, 0)?)))?
        .collect::<Result<_, _>>()?;
    let find = format!("SELECT {ENTRY_COLUMNS} FROM log WHERE conversation = ?1 AND seq = ?2");
    let mut find = db.prepare_cached(&find)?;
    let readable =
        |seq: Seq| may_read.iter().any(|w| seq >= w.membership.since && w.until.is_none_or(|u| seq <= u));
    let (mut found, mut size) = (Vec::new(), 0);
    for seq in places.into_iter().filter(|seq| readable(*seq)) {
        let entry = find.query_row(params![id.as_bytes(), int(seq.0)], |row| sql::entry(row, 0, id))?;
        size += entry_size(&entry);
        found.push(entry);
        if size >= bytes {
            break;
        }
    }
    found.sort_unstable_by_key(|entry| entry.seq);
    Ok(found)
}

fn entries(db: &Connection, range: &LogRange, to: Seq, bytes: usize) -> Result<Vec<Entry>, rusqlite::Error> {
    let id = range.conversation;
    let only = if range.commits_only { "AND kind = 1" } else { "" };
    let order = if range.newest { "DESC" } else { "ASC" };
    let find = format!(
        "SELECT {ENTRY_COLUMNS} FROM log WHERE conversation = ?1 AND seq >= ?2 AND seq <= ?3 {only} ORDER BY seq {order}"
    );
    let mut statement = db.prepare_cached(&find)?;
    let mut rows = statement.query(params![id.as_bytes(), int(range.from.0), int(to.0)])?;
    let (mut found, mut size) = (Vec::new(), 0);
    while let Some(row) = rows.next()? {
        let entry = sql::entry(row, 0, id)?;
        size += entry_size(&entry);
        found.push(entry);
        if size >= bytes {
            break;
        }
    }
    if range.newest {
        found.reverse();
    }
    Ok(found)
}

/// See [`crate::storage::Storage::seq_at`].
pub(super) fn seq_at(db: &Connection, account: AccountId, id: ConversationId, at: Timestamp) -> Outcome<Seq> {
    let newest = windows(db, account, id)?.pop().ok_or(Refusal::NotMember)?;
    let (log_end, _) = log_head(db, id)?;
    let head = newest.until.unwrap_or(log_end);
    let find = "SELECT received_at FROM log WHERE conversation = ?1 AND seq = ?2";
    let mut find = db.prepare_cached(find)?;
    // The server's clock gives the times, so they grow with the sequence, but for the moments when it was set back.
    let (mut low, mut high) = (newest.membership.since.0, head.0.max(newest.membership.since.0));
    while low < high {
        let middle = low + (high - low) / 2;
        let values = params![id.as_bytes(), int(middle)];
        let taken = find.query_row(values, |row| sql::timestamp(row, 0)).optional()?.unwrap_or_default();
        if taken < at { low = middle + 1 } else { high = middle }
    }
    Ok(Seq(low.min(head.0)))
}

pub(super) fn entry_size(entry: &Entry) -> usize {
    OVERHEAD + if let Body::Present(body) = &entry.body { body.len() } else { 0 }
}

/// One slot.
pub(super) fn slot(
    db: &Connection,
    id: ConversationId,
    key: SlotKey,
) -> Result<Option<Slot>, rusqlite::Error> {
    let find = format!("SELECT {SLOT_COLUMNS} FROM slot WHERE conversation = ?1 AND key = ?2");
    let values = params![id.as_bytes(), key.as_bytes()];
    db.prepare_cached(&find)?.query_row(values, |row| sql::slot(row, id)).optional()
}

/// See [`crate::storage::Storage::slots`].
pub(super) fn slots(
    db: &Connection,
    account: AccountId,
    id: ConversationId,
    keys: &[SlotKey],
) -> Outcome<Vec<Slot>> {
    check_participant(db, account, id)?;
    let (mut found, mut size) = (Vec::new(), 0);
    for key in keys {
        if let Some(slot) = slot(db, id, *key)? {
            size += OVERHEAD + slot.body.len();
            if size > ANSWER_BYTES {
                return Err(
                    Refusal::TooMany("bytes of slots in one request".into(), ANSWER_BYTES as u64).into()
                );
            }
            found.push(slot);
        }
    }
    Ok(found)
}

/// See [`crate::storage::Storage::group_state`].
pub(super) fn group_state(db: &Connection, account: AccountId, id: ConversationId) -> Outcome<GroupState> {
    check_participant(db, account, id)?;
    let find = "SELECT c.epoch, g.group_info, g.tree FROM conversation c
        JOIN group_state g ON g.conversation = c.id WHERE c.id = ?1";
    let state = db.prepare_cached(find)?.query_row([id.as_bytes()], |row| {
        Ok(GroupState {
            conversation: id,
            epoch: Epoch(sql::uint(row, 0)?),
            group_info: sql::bin(row, 1)?,
            tree: sql::bin(row, 2)?,
        })
    })?;
    Ok(state)
}

/// See [`crate::storage::Storage::commit_basis`].
pub(super) fn commit_basis(
    db: &Connection,
    id: ConversationId,
    sender: DeviceRef,
    entry: EntryId,
    epoch: Epoch,
) -> Outcome<CommitBasis> {
    let done = "SELECT seq, account, device FROM log WHERE conversation = ?1 AND id = ?2";
    let done = db
        .prepare_cached(done)?
        .query_row(params![id.as_bytes(), entry.as_bytes()], |row| {
            let by = DeviceRef { account: sql::account(row, 1)?, device: sql::device(row, 2)? };
            Ok((Seq(sql::uint(row, 0)?), by))
        })
        .optional()?;
    match done {
        Some((seq, by)) if by == sender => return Ok(CommitBasis::Done(seq)),
        Some(_) => return Err(Refusal::Exists.into()),
        None => check_participant(db, sender.account, id)?,
    }
    let find = "SELECT c.epoch, g.public_state FROM conversation c
        JOIN group_state g ON g.conversation = c.id WHERE c.id = ?1";
    let (newest, state) = db
        .prepare_cached(find)?
        .query_row([id.as_bytes()], |row| Ok((Epoch(sql::uint(row, 0)?), row.get::<_, Vec<u8>>(1)?)))?;
    if newest == epoch { Ok(CommitBasis::State(state)) } else { Err(Refusal::StaleEpoch(newest).into()) }
}

/// See [`crate::storage::Storage::welcome`].
pub(super) fn welcome(db: &Connection, device: DeviceRef, id: ConversationId) -> Outcome<Option<Welcome>> {
    let find = "SELECT m.epoch, m.seq, m.welcome, m.tree FROM welcome w
        JOIN welcome_message m ON m.conversation = w.conversation AND m.epoch = w.epoch
        WHERE w.conversation = ?1 AND w.account = ?2 AND w.device = ?3";
    let values = params![id.as_bytes(), device.account.as_bytes(), device.device.as_bytes()];
    let found = db
        .prepare_cached(find)?
        .query_row(values, |row| {
            Ok(Welcome {
                conversation: id,
                epoch: Epoch(sql::uint(row, 0)?),
                seq: Seq(sql::uint(row, 1)?),
                welcome: Bin(row.get(2)?),
                tree: Bin(row.get(3)?),
            })
        })
        .optional()?;
    Ok(found)
}
