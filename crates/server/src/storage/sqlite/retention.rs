//! How long bodies of entries are kept, and what was taken by every device.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use diario_protocol::{
    AccountId, ConversationId, DeviceId, DeviceRef, Position, Refusal, Retention, Seq, Timestamp, What,
};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::sql::{self, FOREVER, diary, int};
use super::writer::{Outcome, Writer};
use crate::storage::{Erasure, RetentionRules};

/// Conversations looked at in one read.
const MOST_CONVERSATIONS: usize = 128;
/// Entries of one erasure, and about the bytes of their bodies.
const MOST_ENTRIES: i64 = 256;
const MOST_BYTES: i64 = 1 << 20;
const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// First entries that a device has not taken, by conversation.
type Untaken = HashMap<ConversationId, Seq>;

struct Kept {
    id: ConversationId,
    own: Retention,
    from: Seq,
}

/// The conversation's own rule from two columns, `keep_days` and `keep_delivered`.
pub(super) fn rule(row: &Row<'_>, at: usize) -> Result<Retention, rusqlite::Error> {
    let days: u32 = row.get(at)?;
    Ok(Retention { days: Some(days).filter(|d| *d > 0), delivered: row.get(at + 1)? })
}

/// What a conversation's members agreed on.
pub(super) fn of(db: &Connection, id: ConversationId) -> Result<Retention, rusqlite::Error> {
    let find = "SELECT keep_days, keep_delivered FROM conversation WHERE id = ?1";
    let found = db.prepare_cached(find)?.query_row([id.as_bytes()], |row| rule(row, 0)).optional()?;
    Ok(found.unwrap_or_default())
}

/// See [`crate::storage::Storage::erasable`].
pub(super) fn erasable(
    db: &Connection,
    rules: RetentionRules,
    after: Option<ConversationId>,
    now: Timestamp,
) -> Outcome<(Vec<Erasure>, Option<ConversationId>)> {
    let limited = if rules.server.is_forever() { "AND (keep_days > 0 OR keep_delivered = 1)" } else { "" };
    let find = format!(
        "SELECT id, keep_days, keep_delivered, kept_from FROM conversation
        WHERE id > ?1 {limited} ORDER BY id LIMIT {MOST_CONVERSATIONS}"
    );
    let after = after.map_or(Vec::new(), |id| id.as_bytes().to_vec());
    let looked_at: Vec<Kept> = db
        .prepare_cached(&find)?
        .query_map([after], |row| {
            let from = Seq(sql::uint(row, 3)?);
            Ok(Kept { id: sql::conversation(row, 0)?, own: rule(row, 1)?, from })
        })?
        .collect::<Result<_, _>>()?;
    let next = looked_at.last().map(|kept| kept.id).filter(|_| looked_at.len() == MOST_CONVERSATIONS);
    let (mut found, mut untaken) = (Vec::new(), HashMap::new());
    for kept in looked_at {
        let rule = rules.server.shorter(kept.own);
        if let Some(erasure) = erasure(db, &kept, rule, rules, now, &mut untaken)? {
            found.push(erasure);
        }
    }
    Ok((found, next))
}

fn erasure(
    db: &Connection,
    kept: &Kept,
    rule: Retention,
    rules: RetentionRules,
    now: Timestamp,
    untaken: &mut HashMap<DeviceRef, Untaken>,
) -> Result<Option<Erasure>, rusqlite::Error> {
    let too_old =
        rule.days.map_or(Timestamp(0), |days| Timestamp(now.0.saturating_sub(u64::from(days) * DAY_MS)));
    let find = "SELECT seq, received_at, length(body) FROM log
        WHERE conversation = ?1 AND seq >= ?2 ORDER BY seq LIMIT ?3";
    let mut find = db.prepare_cached(find)?;
    let mut rows = find.query(params![kept.id.as_bytes(), int(kept.from.0), MOST_ENTRIES])?;
    let (mut last, mut bytes, mut taken_until) = (None, 0, None);
    while let Some(row) = rows.next()? {
        let seq = Seq(sql::uint(row, 0)?);
        let mut over = sql::timestamp(row, 1)? < too_old;
        if !over && rule.delivered {
            let until = match taken_until {
                Some(until) => until,
                None => first_untaken(db, kept.id, rules, now, untaken)?,
            };
            taken_until = Some(until);
            over = seq < until;
        }
        bytes += row.get::<_, i64>(2)?;
        if !over || (bytes > MOST_BYTES && last.is_some()) {
            break;
        }
        last = Some(seq);
    }
    Ok(last.map(|to| Erasure { conversation: kept.id, from: kept.from, to }))
}

/// The first entry that some device has not taken yet, of those that still count.
fn first_untaken(
    db: &Connection,
    id: ConversationId,
    rules: RetentionRules,
    now: Timestamp,
    known: &mut HashMap<DeviceRef, Untaken>,
) -> Result<Seq, rusqlite::Error> {
    let absent = Timestamp(now.0.saturating_sub(rules.absent_ms));
    let find =
        "SELECT d.account, d.id, d.acked, d.last_seen FROM member m JOIN device d ON d.account = m.account
        WHERE m.conversation = ?1 AND m.until = ?2 AND d.valid_until > ?3";
    let devices: Vec<(DeviceRef, Position, Timestamp)> = db
        .prepare_cached(find)?
        .query_map(params![id.as_bytes(), FOREVER, int(now.0)], |row| {
            let device = DeviceRef { account: sql::account(row, 0)?, device: sql::device(row, 1)? };
            Ok((device, sql::position(row, 2)?, sql::timestamp(row, 3)?))
        })?
        .collect::<Result<_, _>>()?;
    let mut first = Seq(u64::MAX);
    for (device, acked, seen) in devices {
        if seen.0 > 0 && seen < absent {
            // Away for so long: it does not hold things back for the others.
            continue;
        }
        let untaken = match known.entry(device) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => unknown.insert(untaken_by(db, device.account, acked)?),
        };
        if let Some(seq) = untaken.get(&id) {
            first = first.min(*seq);
        }
    }
    Ok(first)
}

fn untaken_by(db: &Connection, account: AccountId, acked: Position) -> Result<Untaken, rusqlite::Error> {
    let find = "SELECT subject, min(number) FROM diary
        WHERE account = ?1 AND position > ?2 AND kind = ?3 GROUP BY subject";
    db.prepare_cached(find)?
        .query_map(params![account.as_bytes(), int(acked.0), diary::ENTRY], |row| {
            Ok((sql::conversation(row, 0)?, Seq(sql::uint(row, 1)?)))
        })?
        .collect()
}

impl Writer {
    /// See [`crate::storage::Storage::erase`].
    pub(super) fn erase(&mut self, erasure: Erasure) -> Outcome<u64> {
        let values = params![erasure.conversation.as_bytes(), int(erasure.from.0), int(erasure.to.0)];
        let update = "UPDATE log SET body = x'', erased = 2
            WHERE conversation = ?1 AND seq >= ?2 AND seq <= ?3 AND erased = 0";
        let erased = self.db.prepare_cached(update)?.execute(values)?;
        let update = "UPDATE conversation SET kept_from = ?3 + 1 WHERE id = ?1 AND kept_from <= ?3 AND ?2 <= kept_from";
        self.db.prepare_cached(update)?.execute(values)?;
        Ok(erased as u64)
    }

    /// See [`crate::storage::Storage::set_retention`].
    pub(super) fn set_retention(
        &mut self,
        id: ConversationId,
        by: DeviceRef,
        retention: Retention,
        now: Timestamp,
    ) -> Outcome<()> {
        self.check_device(by, now)?;
        let conversation = self.conversation(id)?.ok_or(Refusal::NotMember)?;
        if !conversation.participants.contains(&by.account) {
            return Err(Refusal::NotMember.into());
        }
        if of(&self.db, id)? == retention {
            return Ok(());
        }
        let update = "UPDATE conversation SET keep_days = ?2, keep_delivered = ?3 WHERE id = ?1";
        let values = params![id.as_bytes(), retention.days.unwrap_or(0), retention.delivered];
        self.db.prepare_cached(update)?.execute(values)?;
        let what = Arc::new(What::Retention(id, retention));
        for account in conversation.participants.iter() {
            self.diary(*account, diary::RETENTION, id.as_bytes(), 0, b"retention", Arc::clone(&what))?;
        }
        Ok(())
    }

    /// See [`crate::storage::Storage::ack`].
    pub(super) fn ack(&mut self, device: DeviceRef, position: Position) -> Outcome<()> {
        // Never beyond what there is: a device that says so would count as having what is yet to come.
        let head = self.head(device.account)?;
        let update = "UPDATE device SET acked = ?3 WHERE account = ?1 AND id = ?2 AND acked <> ?3";
        let DeviceRef { account, device } = device;
        let values = params![account.as_bytes(), DeviceId::as_bytes(&device), int(position.min(head).0)];
        self.db.prepare_cached(update)?.execute(values)?;
        Ok(())
    }

    /// See [`crate::storage::Storage::lacks`].
    pub(super) fn lacks(&mut self, device: DeviceRef, position: Position) -> Outcome<()> {
        let update = "UPDATE device SET acked = ?3 WHERE account = ?1 AND id = ?2 AND acked > ?3";
        let DeviceRef { account, device } = device;
        let values = params![account.as_bytes(), DeviceId::as_bytes(&device), int(position.0)];
        self.db.prepare_cached(update)?.execute(values)?;
        Ok(())
    }
}
