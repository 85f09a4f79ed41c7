-- Third step: what those who lost every device come back by.
-- key: what opens. identity, newest: sealed for the method. epoch: of the self conversation, whose key newest has.
CREATE TABLE vault (
    account BLOB NOT NULL, method BLOB NOT NULL, key BLOB NOT NULL, identity BLOB NOT NULL,
    epoch INTEGER NOT NULL, newest BLOB NOT NULL, UNIQUE (account, method)
) STRICT;
-- Names that who runs the server gives to whoever has the code, which is kept hashed.
CREATE TABLE name_release (username TEXT PRIMARY KEY NOT NULL, code BLOB NOT NULL, until INTEGER NOT NULL)
    STRICT, WITHOUT ROWID;
