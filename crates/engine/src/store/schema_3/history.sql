-- Third step of the device's store: parts of logs that are not here, and how they are fetched.

-- From first to last, both included, the log was not fetched yet. A row of message within is a preview: its place is
-- not proven, and its hash is NULL.
CREATE TABLE hole(
  conversation BLOB NOT NULL,
  first INTEGER NOT NULL,
  last INTEGER NOT NULL,
  hash BLOB NOT NULL,                    -- running hash after entry last
  at INTEGER NOT NULL,                   -- about when entry last was sent, ms: the newest holes are filled first
  PRIMARY KEY(conversation, first)
) STRICT, WITHOUT ROWID;
CREATE INDEX hole_newest ON hole(at);

-- Which entries of a log are messages of others, as the server tells it with a head; counts what is unread in a hole.
CREATE TABLE head_others(
  conversation BLOB PRIMARY KEY,
  head INTEGER NOT NULL,
  bits BLOB NOT NULL                     -- one for each entry from head backwards, lowest bit first
) STRICT, WITHOUT ROWID;

-- Whether holes are filled without being asked, and what that has cost so far.
CREATE TABLE filling(
  one INTEGER PRIMARY KEY CHECK(one = 1),
  fill INTEGER,                          -- see Fill of the engine's code; NULL: as the program was told
  paused INTEGER NOT NULL,
  entries INTEGER NOT NULL,              -- fetched since the account came here
  bytes INTEGER NOT NULL                 -- of them
) STRICT;
