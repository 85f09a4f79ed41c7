-- Third step: how long entries are kept.

-- Of a log, `erased` is 2 where the body went by age or once it was delivered.
-- keep_days: 0 is for ever. kept_from: every body before this sequence is gone.
ALTER TABLE conversation ADD COLUMN keep_days INTEGER NOT NULL DEFAULT 0;
ALTER TABLE conversation ADD COLUMN keep_delivered INTEGER NOT NULL DEFAULT 0;
ALTER TABLE conversation ADD COLUMN kept_from INTEGER NOT NULL DEFAULT 1;
CREATE INDEX conversation_limited ON conversation (id) WHERE keep_days > 0 OR keep_delivered = 1;
-- How far a device has its diary for good.
ALTER TABLE device ADD COLUMN acked INTEGER NOT NULL DEFAULT 0;
