-- Third step: what recovery needs.

CREATE TABLE recovering(                 -- a recovery under way: the server may have taken it or not
  one INTEGER PRIMARY KEY CHECK(one = 1),
  list BLOB NOT NULL,                    -- the signed device list that makes this device one of the account
  epoch INTEGER NOT NULL                 -- of the self conversation, by the vault
) STRICT;

CREATE TABLE vault(                      -- what the server's vault was last known to have
  method BLOB PRIMARY KEY,
  epoch INTEGER NOT NULL                 -- of the self conversation, whose key is sealed in it
) STRICT, WITHOUT ROWID;

CREATE TABLE method_gone(                -- recovery methods that were removed: they never come back
  method BLOB PRIMARY KEY
) STRICT, WITHOUT ROWID;

CREATE TABLE known_name(                 -- whose a name was last known to be
  username TEXT PRIMARY KEY,
  account BLOB NOT NULL
) STRICT, WITHOUT ROWID;
INSERT OR IGNORE INTO known_name SELECT username, id FROM account WHERE username IS NOT NULL;

CREATE TABLE key_change(                 -- names that went over to other accounts, with other keys
  username TEXT NOT NULL,
  before BLOB NOT NULL,
  now BLOB NOT NULL,
  at INTEGER NOT NULL,                   -- when this device learnt of it, ms
  PRIMARY KEY(username, now)
) STRICT, WITHOUT ROWID;
