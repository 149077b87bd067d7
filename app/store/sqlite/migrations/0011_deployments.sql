-- Deployments as GitHub was last told of them.
CREATE TABLE deployments (
	id            INTEGER PRIMARY KEY AUTOINCREMENT,
	github        INTEGER NOT NULL DEFAULT 0,
	repository_id INTEGER NOT NULL,
	environment   TEXT NOT NULL COLLATE NOCASE,
	execution     INTEGER NOT NULL REFERENCES executions (id),
	stage         TEXT NOT NULL,
	attempt       INTEGER NOT NULL,
	state         TEXT NOT NULL DEFAULT '',
	url           TEXT NOT NULL DEFAULT '',
	ended_at      INTEGER NOT NULL DEFAULT 0,
	UNIQUE (execution, stage, attempt)
) STRICT;
CREATE INDEX deployments_live ON deployments (repository_id, environment) WHERE state = 'success';
