-- The audit log as a chain: audit.go of this folder hashes what was there before.
DROP TRIGGER audit_keeps_what_was;
DROP TRIGGER audit_keeps_all;
DROP INDEX audit_execution;
ALTER TABLE audit RENAME TO audit_before;
CREATE TABLE audit (
	number     INTEGER PRIMARY KEY, -- from 1, without gaps
	at         INTEGER NOT NULL,
	repository INTEGER NOT NULL, -- GitHub's id; zero: none
	execution  TEXT NOT NULL,
	kind       TEXT NOT NULL,
	actor      TEXT NOT NULL,
	door       TEXT NOT NULL,
	event      TEXT NOT NULL,
	hash       TEXT NOT NULL -- over the hash of the row before and all of this one
) STRICT;
CREATE INDEX audit_execution ON audit (execution, number);
CREATE INDEX audit_repository ON audit (repository, number);
CREATE INDEX audit_actor ON audit (actor COLLATE NOCASE, number);
CREATE INDEX audit_kind ON audit (kind, number);
CREATE TRIGGER audit_keeps_what_was BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_keeps_all BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
-- A REPLACE deletes without asking the trigger above.
CREATE TRIGGER audit_goes_on BEFORE INSERT ON audit WHEN NEW.number IS NOT (SELECT coalesce(max(number), 0) + 1 FROM audit)
	BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
