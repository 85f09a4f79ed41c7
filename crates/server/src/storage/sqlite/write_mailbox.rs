//! Linking mailboxes.

use diario_protocol::{Bin, MailboxId, Refusal, Timestamp};
use rusqlite::{OptionalExtension as _, params};

use super::sql::{self, int};
use super::writer::{Outcome, Writer};
use crate::storage::{Event, MailboxLimits};

impl Writer {
    /// See [`crate::storage::Storage::open_mailbox`].
    pub(super) fn open_mailbox(
        &mut self,
        id: MailboxId,
        now: Timestamp,
        limits: MailboxLimits,
    ) -> Outcome<()> {
        self.sweep(now)?;
        if self.db.prepare_cached("SELECT 1 FROM mailbox WHERE id = ?1")?.exists([id.as_bytes()])? {
            return Err(Refusal::MailboxGone.into());
        }
        let open = "SELECT count(*) FROM mailbox";
        let open = self.db.prepare_cached(open)?.query_row([], |row| sql::uint(row, 0))?;
        if open >= limits.open as u64 {
            return Err(Refusal::TooMany("open mailboxes".into(), limits.open as u64).into());
        }
        let insert =
            "INSERT INTO mailbox (id, expires, joined, by_candidate, by_approver) VALUES (?1, ?2, 0, 0, 0)";
        let expires = now.plus_ms(limits.lifetime_ms);
        self.db.prepare_cached(insert)?.execute(params![id.as_bytes(), int(expires.0)])?;
        Ok(())
    }

    /// See [`crate::storage::Storage::join_mailbox`].
    pub(super) fn join_mailbox(&mut self, id: MailboxId, now: Timestamp) -> Outcome<()> {
        let join = "UPDATE mailbox SET joined = 1 WHERE id = ?1 AND joined = 0 AND expires > ?2";
        if self.db.prepare_cached(join)?.execute(params![id.as_bytes(), int(now.0)])? == 0 {
            return Err(Refusal::MailboxGone.into());
        }
        let waiting = "SELECT body FROM mailbox_message WHERE mailbox = ?1 ORDER BY number";
        let waiting: Vec<Bin> = self
            .db
            .prepare_cached(waiting)?
            .query_map([id.as_bytes()], |row| sql::bin(row, 0))?
            .collect::<Result<_, _>>()?;
        for body in waiting {
            self.events.push(Event::Mailbox { mailbox: id, to_approver: true, body });
        }
        self.db.prepare_cached("DELETE FROM mailbox_message WHERE mailbox = ?1")?.execute([id.as_bytes()])?;
        Ok(())
    }

    /// See [`crate::storage::Storage::put_mailbox`].
    pub(super) fn put_mailbox(
        &mut self,
        id: MailboxId,
        by_approver: bool,
        body: Bin,
        now: Timestamp,
        limits: MailboxLimits,
    ) -> Outcome<()> {
        let find = "SELECT joined, by_candidate, by_approver FROM mailbox WHERE id = ?1 AND expires > ?2";
        let found: Option<(bool, u32, u32)> = self
            .db
            .prepare_cached(find)?
            .query_row(params![id.as_bytes(), int(now.0)], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .optional()?;
        let Some((joined, by_candidate, by_approver_count)) = found else {
            return Err(Refusal::MailboxGone.into());
        };
        let (count, update) = if by_approver {
            (by_approver_count, "UPDATE mailbox SET by_approver = by_approver + 1 WHERE id = ?1")
        } else {
            (by_candidate, "UPDATE mailbox SET by_candidate = by_candidate + 1 WHERE id = ?1")
        };
        if count >= limits.messages {
            return Err(Refusal::TooMany("messages in a mailbox".into(), limits.messages.into()).into());
        }
        self.db.prepare_cached(update)?.execute([id.as_bytes()])?;
        if joined {
            // Both sides are connected, or the linking starts anew: nothing needs keeping.
            self.events.push(Event::Mailbox { mailbox: id, to_approver: !by_approver, body });
        } else {
            let insert = "INSERT INTO mailbox_message (mailbox, number, body) VALUES (?1, ?2, ?3)";
            self.db.prepare_cached(insert)?.execute(params![id.as_bytes(), count, body.0])?;
        }
        Ok(())
    }

    /// See [`crate::storage::Storage::close_mailbox`].
    pub(super) fn close_mailbox(&mut self, id: MailboxId) -> Outcome<()> {
        self.db.prepare_cached("DELETE FROM mailbox_message WHERE mailbox = ?1")?.execute([id.as_bytes()])?;
        self.db.prepare_cached("DELETE FROM mailbox WHERE id = ?1")?.execute([id.as_bytes()])?;
        Ok(())
    }

    /// See [`crate::storage::Storage::sweep`].
    pub(super) fn sweep(&mut self, now: Timestamp) -> Outcome<()> {
        let delete =
            "DELETE FROM mailbox_message WHERE mailbox IN (SELECT id FROM mailbox WHERE expires <= ?1)";
        self.db.prepare_cached(delete)?.execute([int(now.0)])?;
        self.db.prepare_cached("DELETE FROM mailbox WHERE expires <= ?1")?.execute([int(now.0)])?;
        self.db.prepare_cached("DELETE FROM name_release WHERE until <= ?1")?.execute([int(now.0)])?;
        Ok(())
    }
}
