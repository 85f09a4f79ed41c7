-- Second step of the device's store: names that are not known yet, quick lists, slot writes by name.

-- SQLite cannot drop NOT NULL from a column: the table is made anew. What was called 'unknown' may be anybody, even
-- somebody of that name; it is asked again.
CREATE TABLE account_2(
  id BLOB PRIMARY KEY,
  username TEXT,                         -- NULL while only its devices are known
  version INTEGER NOT NULL,              -- of the newest device list seen; never goes back
  list BLOB NOT NULL                     -- signed
) STRICT, WITHOUT ROWID;
INSERT INTO account_2(id, username, version, list)
  SELECT id, nullif(username, 'unknown'), version, list FROM account;
DROP TABLE account;
ALTER TABLE account_2 RENAME TO account;
CREATE INDEX account_name ON account(username);

-- Of a slot write: the slot's name. NULL also of those that were queued before this column was.
ALTER TABLE outbox ADD COLUMN name TEXT;
-- Whether it was given to a connection: the server may have it. Of those queued before, nobody knows.
ALTER TABLE outbox ADD COLUMN tried INTEGER NOT NULL DEFAULT 0;
UPDATE outbox SET tried = 1;
CREATE INDEX outbox_kind ON outbox(conversation, kind, id) WHERE kind <> 0;
CREATE INDEX outbox_name ON outbox(conversation, name) WHERE name IS NOT NULL;

CREATE INDEX slot_name ON slot(conversation, name) WHERE name IS NOT NULL;

-- What waits to be sent or failed, in the order of its rows.
CREATE INDEX message_unsent ON message(conversation) WHERE seq IS NULL;
-- What counts as unread, beyond the read marker; with all that is asked for, so that messages need not be read.
CREATE INDEX message_unread ON message(conversation, seq, account, state) WHERE state IN (1, 2, 3);

-- A commit that changed nobody's membership has no content: an encoded note of two empty lists said the same.
UPDATE message SET content = NULL WHERE state = 5 AND content = x'828080';
