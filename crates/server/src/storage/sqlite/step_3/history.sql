-- Third step: heads and history. The index answers who said something and when without the bodies. That a sequence
-- stands once is kept by the one writer.
DROP INDEX log_by_seq;
CREATE UNIQUE INDEX log_by_seq ON log (conversation, seq, kind, account, annotates);
