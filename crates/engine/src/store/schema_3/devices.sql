-- Third step: what devices know of each other.
CREATE TABLE device_secret(
  one INTEGER PRIMARY KEY CHECK(one = 1),
  hpke BLOB NOT NULL                     -- opens what others seal for this device alone, 32 bytes
) STRICT;

CREATE TABLE device_seen(                -- of the own account, by the server's word
  device BLOB PRIMARY KEY,
  at INTEGER NOT NULL                    -- when it was connected last, by the server's clock, ms
) STRICT, WITHOUT ROWID;
