-- Who has signed in, by GitHub's id, and with what. Secrets are kept as digests.
CREATE TABLE people (
	id    INTEGER PRIMARY KEY,
	login TEXT NOT NULL
) STRICT;
CREATE TABLE sessions (
	digest     TEXT PRIMARY KEY,
	person     INTEGER NOT NULL REFERENCES people (id),
	sign_in    TEXT NOT NULL UNIQUE,
	created_at INTEGER NOT NULL,
	used_at    INTEGER NOT NULL,
	ended_at   INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_created ON sessions (created_at);
CREATE TABLE access_tokens (
	id         INTEGER PRIMARY KEY,
	digest     TEXT NOT NULL UNIQUE,
	person     INTEGER NOT NULL REFERENCES people (id),
	name       TEXT NOT NULL,
	scopes     TEXT NOT NULL,
	created_at INTEGER NOT NULL,
	expires_at INTEGER NOT NULL,
	used_at    INTEGER NOT NULL DEFAULT 0,
	revoked_at INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX access_tokens_person ON access_tokens (person, id);
