-- Third step: the words of messages.

-- An index of words without the words' text: `words` of a row are the folded tokens of a message (the engine's
-- search/fold.rs), with a token each for its conversation and its sender. The tokenizer only cuts at blanks.
-- A row's number is its time: see search_row.
CREATE VIRTUAL TABLE search USING fts5(
  words, content = '', contentless_delete = 1, tokenize = 'ascii', prefix = '1'
);
-- Keys are in the order of time: 4096 for each second since 1970. What does not fit into its second lies in one of the
-- next.
CREATE TABLE search_row(
  key INTEGER PRIMARY KEY,
  message INTEGER NOT NULL UNIQUE
) STRICT;
-- Messages that are not indexed yet, or not as they are now.
CREATE TABLE search_todo(
  message INTEGER PRIMARY KEY
) STRICT;
-- Conversations (id), accounts (id) and names of people in imported chats (lower case): each is a token.
CREATE TABLE search_tag(
  n INTEGER PRIMARY KEY,
  name BLOB NOT NULL UNIQUE
) STRICT;

-- Whoever writes messages need not know of the index. States: pending, readable, failed.
CREATE TRIGGER search_insert AFTER INSERT ON message WHEN new.text <> '' AND new.state IN (0, 1, 7) BEGIN
  INSERT OR IGNORE INTO search_todo VALUES(new.row);
END;
CREATE TRIGGER search_update AFTER UPDATE ON message
WHEN new.text IS NOT old.text OR new.sent_at IS NOT old.sent_at OR new.content IS NOT old.content
  OR (new.state IN (0, 1, 7)) IS NOT (old.state IN (0, 1, 7))
BEGIN
  DELETE FROM search WHERE rowid IN (SELECT key FROM search_row WHERE message = new.row);
  DELETE FROM search_row WHERE message = new.row;
  -- In a trigger, the conflict clause of the statement outside counts, and not the trigger's own.
  INSERT INTO search_todo SELECT new.row
  WHERE new.text <> '' AND new.state IN (0, 1, 7) AND new.row NOT IN (SELECT message FROM search_todo);
END;
CREATE TRIGGER search_delete AFTER DELETE ON message BEGIN
  DELETE FROM search WHERE rowid IN (SELECT key FROM search_row WHERE message = old.row);
  DELETE FROM search_row WHERE message = old.row;
  DELETE FROM search_todo WHERE message = old.row;
END;

INSERT INTO search_todo(message) SELECT row FROM message WHERE text <> '' AND state IN (0, 1, 7);
