-- Runners of other machines. digest is the SHA-256 of the token, hex.
CREATE TABLE runners (
	name    TEXT PRIMARY KEY,
	digest  TEXT NOT NULL UNIQUE,
	made_at INTEGER NOT NULL,
	made_by TEXT NOT NULL,
	seen_at INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
-- The artifacts that a job has stored: its result may name no others.
ALTER TABLE jobs ADD COLUMN made TEXT NOT NULL DEFAULT 'null';
