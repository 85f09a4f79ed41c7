//! Tables, and how an older database becomes a newer one.

use rusqlite::{Connection, TransactionBehavior};

use super::OpenError;

/// Each step leads from the version of its index to the next. A step is never changed once it was released.
///
/// Keys begin with the conversation or the account, so that a distributed database can shard by them.
/// `0` stands for "none" in sequences, and the largest integer for "without end".
const STEPS: [&str; 4] = ["
CREATE TABLE meta (name TEXT PRIMARY KEY NOT NULL, value BLOB NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE account (
    id BLOB PRIMARY KEY NOT NULL, username TEXT NOT NULL UNIQUE, list_version INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Every list ever signed; devices of the newest one only.
CREATE TABLE device_list (
    account BLOB NOT NULL, version INTEGER NOT NULL, signed BLOB NOT NULL, UNIQUE (account, version)
) STRICT;
CREATE TABLE device (
    account BLOB NOT NULL, id BLOB NOT NULL, key BLOB NOT NULL, role INTEGER NOT NULL,
    valid_until INTEGER NOT NULL, last_seen INTEGER NOT NULL, has_key_package INTEGER NOT NULL,
    PRIMARY KEY (account, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE key_package (
    number INTEGER PRIMARY KEY, account BLOB NOT NULL, device BLOB NOT NULL, body BLOB NOT NULL
) STRICT;
CREATE INDEX key_package_of ON key_package (account, device);
CREATE TABLE last_resort (
    account BLOB NOT NULL, device BLOB NOT NULL, body BLOB NOT NULL, UNIQUE (account, device)
) STRICT;

CREATE TABLE conversation (
    id BLOB NOT NULL UNIQUE, kind INTEGER NOT NULL, epoch INTEGER NOT NULL,
    creator_account BLOB NOT NULL, creator_device BLOB NOT NULL
) STRICT;
CREATE TABLE group_state (
    conversation BLOB NOT NULL UNIQUE, public_state BLOB NOT NULL, group_info BLOB NOT NULL, tree BLOB NOT NULL
) STRICT;

-- One row for each time that an account is in a conversation: it may read the log from since to until.
CREATE TABLE member (
    conversation BLOB NOT NULL, account BLOB NOT NULL, since INTEGER NOT NULL, epoch INTEGER NOT NULL,
    hash_before BLOB NOT NULL, until INTEGER NOT NULL, PRIMARY KEY (conversation, account, since)
) STRICT, WITHOUT ROWID;
CREATE INDEX member_of ON member (account, conversation);
CREATE TABLE leaf (
    conversation BLOB NOT NULL, account BLOB NOT NULL, device BLOB NOT NULL,
    PRIMARY KEY (conversation, account, device)
) STRICT, WITHOUT ROWID;

-- hash: the running hash after the entry. body: empty once erased is 1.
CREATE TABLE log (
    number INTEGER PRIMARY KEY, conversation BLOB NOT NULL, seq INTEGER NOT NULL, id BLOB NOT NULL,
    kind INTEGER NOT NULL, epoch INTEGER NOT NULL, account BLOB NOT NULL, device BLOB NOT NULL,
    annotates INTEGER NOT NULL, received_at INTEGER NOT NULL, erased INTEGER NOT NULL,
    digest BLOB NOT NULL, hash BLOB NOT NULL, body BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX log_by_seq ON log (conversation, seq);
CREATE UNIQUE INDEX log_by_id ON log (conversation, id);
CREATE INDEX log_commits ON log (conversation, seq) WHERE kind = 1;

CREATE TABLE slot (
    conversation BLOB NOT NULL, key BLOB NOT NULL, version INTEGER NOT NULL, epoch INTEGER NOT NULL,
    account BLOB NOT NULL, device BLOB NOT NULL, head INTEGER NOT NULL, body BLOB NOT NULL,
    UNIQUE (conversation, key)
) STRICT;
CREATE INDEX slot_head ON slot (conversation) WHERE head = 1;

-- subject: the conversation, or the account of a device list. number: sequence or epoch, by kind.
-- key: what a newer row of the same subject replaces (slot key, welcomed device, a list's account), or empty.
CREATE TABLE diary (
    account BLOB NOT NULL, position INTEGER NOT NULL, kind INTEGER NOT NULL, subject BLOB NOT NULL,
    number INTEGER NOT NULL, key BLOB NOT NULL, PRIMARY KEY (account, position)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX diary_replaced ON diary (account, subject, key, kind) WHERE key <> x'';

CREATE TABLE welcome (
    conversation BLOB NOT NULL, account BLOB NOT NULL, device BLOB NOT NULL, epoch INTEGER NOT NULL,
    PRIMARY KEY (conversation, account, device)
) STRICT, WITHOUT ROWID;
CREATE INDEX welcome_of ON welcome (account, device);
CREATE TABLE welcome_message (
    conversation BLOB NOT NULL, epoch INTEGER NOT NULL, seq INTEGER NOT NULL, welcome BLOB NOT NULL,
    tree BLOB NOT NULL, UNIQUE (conversation, epoch)
) STRICT;

CREATE TABLE mailbox (
    id BLOB NOT NULL UNIQUE, expires INTEGER NOT NULL, joined INTEGER NOT NULL,
    by_candidate INTEGER NOT NULL, by_approver INTEGER NOT NULL
) STRICT;
CREATE TABLE mailbox_message (
    mailbox BLOB NOT NULL, number INTEGER NOT NULL, body BLOB NOT NULL, UNIQUE (mailbox, number)
) STRICT;

CREATE TABLE invite (code BLOB PRIMARY KEY NOT NULL, uses INTEGER NOT NULL) STRICT, WITHOUT ROWID;
", "
-- silent: ids of conversations, one after the other.
CREATE TABLE push_subscription (
    account BLOB NOT NULL, device BLOB NOT NULL, endpoint TEXT NOT NULL, p256dh BLOB NOT NULL,
    auth BLOB NOT NULL, silent BLOB NOT NULL, UNIQUE (account, device)
) STRICT;
", concat!(
    include_str!("step_3/history.sql"),
    include_str!("step_3/recovery.sql"),
    include_str!("step_3/retention.sql"),
), "
-- What was said about an entry: a page of old ones brings it along.
CREATE INDEX log_about ON log (conversation, annotates, seq, account) WHERE annotates > 0;
"];

/// Brings a database to the newest version, each step in a transaction of its own.
pub(super) fn migrate(db: &mut Connection) -> Result<(), OpenError> {
    loop {
        let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let version: i64 = tx.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        let done = usize::try_from(version).map_err(|_| OpenError::Newer(version))?;
        if done > STEPS.len() {
            return Err(OpenError::Newer(version));
        }
        let Some(step) = STEPS.get(done) else { return Ok(()) };
        tx.execute_batch(step)?;
        tx.execute_batch(&format!("PRAGMA user_version = {}", done + 1))?;
        tx.commit()?;
        tracing::info!(version = done + 1, "database migrated");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_database_migrates_once_and_a_newer_one_is_refused() {
        let mut db = Connection::open_in_memory().unwrap();
        migrate(&mut db).unwrap();
        migrate(&mut db).unwrap();
        db.execute_batch("PRAGMA user_version = 99").unwrap();
        assert!(matches!(migrate(&mut db), Err(OpenError::Newer(99))));
    }
}
