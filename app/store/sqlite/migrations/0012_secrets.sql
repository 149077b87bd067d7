-- Values that jobs are given, encrypted, and the keys they are encrypted with, which
-- are encrypted themselves by a key that does not stand in the database.
CREATE TABLE secret_keys (
	id      INTEGER PRIMARY KEY AUTOINCREMENT, -- stands in what it seals, so that none comes twice
	keeper  TEXT NOT NULL,                     -- name of the key that wrapped it
	wrapped BLOB NOT NULL,
	made_at INTEGER NOT NULL
) STRICT;
CREATE TABLE secrets (
	kind            TEXT NOT NULL,    -- secret or registry
	name            TEXT NOT NULL,    -- or the host of the registry
	organization_id INTEGER NOT NULL, -- zero: it is of a repository
	repository_id   INTEGER NOT NULL, -- zero: it is of an organization
	environment     TEXT NOT NULL,    -- empty: of the whole repository
	terms           TEXT NOT NULL,    -- JSON: who is given it
	owner           TEXT NOT NULL,    -- the organization, or owner/name, as called when it was set
	actor           TEXT NOT NULL,
	set_at          INTEGER NOT NULL,
	used_at         INTEGER NOT NULL, -- zero: never
	key             INTEGER NOT NULL REFERENCES secret_keys (id),
	sealed          BLOB NOT NULL,
	PRIMARY KEY (kind, name, organization_id, repository_id, environment)
) STRICT, WITHOUT ROWID;
