-- Fifth step: what the server no longer keeps is unread all the same, as it is on the devices that have it.

UPDATE message SET state = 8 WHERE state = 6 AND reason IS NOT NULL;
DROP INDEX message_unread;
CREATE INDEX message_unread ON message(conversation, seq, account, state) WHERE state IN (1, 2, 3, 8);
