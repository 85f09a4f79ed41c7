-- The device's store. Everything but `device`, `outbox`, `mls` and `key` is a cache of the server's log.
-- A column never changes its meaning; new meanings get new columns (see store/mod.rs for migrations).

CREATE TABLE device(
  one INTEGER PRIMARY KEY CHECK(one = 1),
  state INTEGER NOT NULL,                -- 0 registering, 2 active, 3 revoked
  server TEXT NOT NULL,                  -- URL as the user gave it
  server_id BLOB,                        -- pinned at the first connection
  name TEXT NOT NULL,                    -- what the user calls this device
  username TEXT NOT NULL,
  invite TEXT,
  account BLOB,
  secret_key BLOB NOT NULL,              -- device key, 32 bytes
  identity_secret BLOB,                  -- account identity key, primaries only, 32 bytes
  cursor INTEGER NOT NULL,               -- newest diary position applied
  last_resort_at INTEGER NOT NULL        -- when the last-resort key package was made
) STRICT;

CREATE TABLE account(
  id BLOB PRIMARY KEY,
  username TEXT NOT NULL,
  version INTEGER NOT NULL,              -- of the newest device list seen; never goes back
  list BLOB NOT NULL                     -- signed
) STRICT, WITHOUT ROWID;

CREATE TABLE account_device(
  account BLOB NOT NULL,
  device BLOB NOT NULL,
  key BLOB NOT NULL,                     -- Ed25519
  role INTEGER NOT NULL,
  valid_until INTEGER,
  listed INTEGER NOT NULL,               -- 1 in the newest list, 0 only in an older one
  PRIMARY KEY(account, device)
) STRICT, WITHOUT ROWID;

CREATE TABLE conversation(
  id BLOB PRIMARY KEY,
  kind INTEGER NOT NULL,
  group_state INTEGER NOT NULL,          -- see Membership of the engine's code
  since INTEGER NOT NULL,                -- first sequence of this account; 0 until the server knows it
  log_next INTEGER NOT NULL,             -- next sequence to apply
  log_hash BLOB NOT NULL,                -- running hash before log_next
  log_epoch INTEGER NOT NULL,            -- epoch at log_next
  known_head INTEGER NOT NULL,           -- highest sequence heard of
  epoch_since INTEGER NOT NULL,          -- when this device saw the epoch begin, ms
  epoch_entries INTEGER NOT NULL,        -- entries since
  left_at INTEGER,                       -- last sequence, once the account is out
  title TEXT NOT NULL,
  delivered INTEGER NOT NULL,            -- own marker, as known from the slot or about to be written
  read INTEGER NOT NULL,
  marked_delivered INTEGER NOT NULL,     -- what the slot holds
  marked_read INTEGER NOT NULL,
  mark_version INTEGER NOT NULL,
  since_epoch INTEGER NOT NULL,
  since_hash BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE participant(
  conversation BLOB NOT NULL,
  account BLOB NOT NULL,
  role INTEGER NOT NULL,
  delivered INTEGER NOT NULL,
  read INTEGER NOT NULL,
  PRIMARY KEY(conversation, account)
) STRICT, WITHOUT ROWID;

CREATE TABLE message(
  row INTEGER PRIMARY KEY,
  conversation BLOB NOT NULL,
  seq INTEGER,                           -- NULL while pending
  id BLOB NOT NULL,
  account BLOB NOT NULL,
  device BLOB NOT NULL,
  epoch INTEGER NOT NULL,
  annotates INTEGER,
  sent_at INTEGER NOT NULL,              -- by the sender's clock, ms
  state INTEGER NOT NULL,                -- see MessageState of the engine's code
  reason TEXT,                           -- why it cannot be shown, or was not accepted
  text TEXT NOT NULL,
  content BLOB,                          -- MIMI content, opened
  sealed BLOB,                           -- kept only while it cannot be opened
  hash BLOB                              -- running hash after it
) STRICT;
CREATE UNIQUE INDEX message_seq ON message(conversation, seq) WHERE seq IS NOT NULL;
CREATE UNIQUE INDEX message_id ON message(conversation, id);
CREATE INDEX message_waiting ON message(conversation, epoch) WHERE sealed IS NOT NULL;

CREATE TABLE key(
  conversation BLOB NOT NULL,
  epoch INTEGER NOT NULL,
  secret BLOB NOT NULL,                  -- conversation key, 32 bytes
  in_keyring INTEGER NOT NULL,
  PRIMARY KEY(conversation, epoch)
) STRICT, WITHOUT ROWID;

CREATE TABLE slot(
  conversation BLOB NOT NULL,
  key BLOB NOT NULL,
  version INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  account BLOB NOT NULL,
  device BLOB NOT NULL,
  name TEXT,                             -- NULL while it cannot be opened
  value BLOB,
  sealed BLOB,                           -- kept only while it cannot be opened
  PRIMARY KEY(conversation, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX slot_waiting ON slot(conversation, epoch) WHERE sealed IS NOT NULL;

CREATE TABLE gap(                        -- parts of a log that are known to be missing here
  conversation BLOB PRIMARY KEY,
  first INTEGER NOT NULL,
  last INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE outbox(
  id INTEGER PRIMARY KEY,
  conversation BLOB NOT NULL,
  entry BLOB,                            -- entry id, for messages
  kind INTEGER NOT NULL,
  payload BLOB NOT NULL,
  annotates INTEGER,
  created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX outbox_conversation ON outbox(conversation, id);
CREATE UNIQUE INDEX outbox_entry ON outbox(entry) WHERE entry IS NOT NULL;

CREATE TABLE pending_commit(             -- sent and not yet seen in the log
  conversation BLOB PRIMARY KEY,
  entry BLOB NOT NULL,
  epoch INTEGER NOT NULL,
  request BLOB NOT NULL                  -- protocol Commit, to send again as it was
) STRICT, WITHOUT ROWID;
