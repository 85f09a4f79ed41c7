-- Fourth step: what was said about entries, and who was there when old pages were written.

CREATE INDEX message_about ON message(conversation, annotates, seq) WHERE annotates IS NOT NULL;

CREATE TABLE past_roster(                -- who is in a group after a commit that was read without the group
  conversation BLOB NOT NULL,
  seq INTEGER NOT NULL,                  -- the commit's
  accounts BLOB NOT NULL,                -- ids, one after the other, as the commit says them
  PRIMARY KEY(conversation, seq)
) STRICT, WITHOUT ROWID;
