-- Third step: keys that others are asked for.

CREATE TABLE asked(                      -- the ask of this device's that stands in a conversation
  conversation BLOB PRIMARY KEY,
  secret BLOB NOT NULL,                  -- 32 bytes, of the HPKE key that answers are sealed to
  wanted BLOB NOT NULL,                  -- encoded list of the epochs asked for
  asked_at INTEGER NOT NULL              -- ms; 0: to be told anew at once
) STRICT, WITHOUT ROWID;

CREATE TABLE wrong_answer(               -- who answered with a key that opens nothing
  conversation BLOB NOT NULL,
  epoch INTEGER NOT NULL,
  device BLOB NOT NULL,
  PRIMARY KEY(conversation, epoch, device)
) STRICT, WITHOUT ROWID;

CREATE TABLE answered(                   -- how often a device was answered within an hour
  device BLOB PRIMARY KEY,
  since INTEGER NOT NULL,
  times INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE lived(                      -- epochs in which a device of the account was in the group, and who was in it too
  conversation BLOB NOT NULL,
  first INTEGER NOT NULL,
  last INTEGER NOT NULL,
  accounts BLOB NOT NULL,                -- ids, one after the other, sorted
  PRIMARY KEY(conversation, first)
) STRICT, WITHOUT ROWID;

-- Asked after every input; most of the time it is empty.
CREATE INDEX key_new ON key(conversation, epoch) WHERE in_keyring = 0;
CREATE INDEX message_keyless ON message(conversation, epoch) WHERE state = 2;
CREATE INDEX slot_ask ON slot(conversation) WHERE name >= 'ask/' AND name < 'ask0';

CREATE TABLE keep(                       -- for how long the server keeps a conversation; 16 zeros: any of them
  conversation BLOB PRIMARY KEY,
  days INTEGER NOT NULL,                 -- 0: for ever
  delivered INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE salvage(                    -- messages put aside by a rebuild, in case that the server has them no more
  conversation BLOB NOT NULL,
  id BLOB NOT NULL,
  sent_at INTEGER NOT NULL,
  content BLOB NOT NULL,
  PRIMARY KEY(conversation, id)
) STRICT, WITHOUT ROWID;
