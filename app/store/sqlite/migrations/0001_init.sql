CREATE TABLE deliveries (
	id          INTEGER PRIMARY KEY AUTOINCREMENT,
	guid        TEXT NOT NULL UNIQUE,
	digest      TEXT NOT NULL UNIQUE,
	event       TEXT NOT NULL,
	repository  TEXT NOT NULL,
	body        BLOB NOT NULL,
	received_at INTEGER NOT NULL,
	state       TEXT NOT NULL,
	attempts    INTEGER NOT NULL DEFAULT 0,
	not_before  INTEGER NOT NULL DEFAULT 0,
	message     TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX deliveries_received ON deliveries (repository, id) WHERE state = 'received';

CREATE TABLE executions (
	id            INTEGER PRIMARY KEY AUTOINCREMENT,
	repository_id INTEGER NOT NULL,
	pipeline      TEXT NOT NULL,
	number        INTEGER NOT NULL,
	lane          TEXT NOT NULL,
	commit_sha    TEXT NOT NULL,
	installation  INTEGER NOT NULL,
	delivery      INTEGER NOT NULL,
	token         TEXT NOT NULL UNIQUE,
	active        INTEGER NOT NULL,
	version       INTEGER NOT NULL,
	reported      INTEGER NOT NULL DEFAULT 0,
	definition    TEXT NOT NULL,
	state         TEXT NOT NULL,
	UNIQUE (repository_id, pipeline, number),
	UNIQUE (delivery, pipeline)
) STRICT;
CREATE INDEX executions_lane ON executions (repository_id, lane, id);
CREATE INDEX executions_commit ON executions (repository_id, commit_sha, id);
CREATE INDEX executions_active ON executions (repository_id, id) WHERE active = 1;

CREATE TABLE locks (
	repository_id INTEGER NOT NULL,
	pipeline      TEXT NOT NULL,
	lane          TEXT NOT NULL,
	stage         TEXT NOT NULL,
	state         TEXT NOT NULL,
	PRIMARY KEY (repository_id, pipeline, lane, stage)
) STRICT, WITHOUT ROWID;

CREATE TABLE jobs (
	seq     INTEGER PRIMARY KEY AUTOINCREMENT,
	id      TEXT NOT NULL UNIQUE,
	spec    TEXT NOT NULL,
	state   TEXT NOT NULL,
	cancel  INTEGER NOT NULL DEFAULT 0,
	runner  TEXT NOT NULL DEFAULT '',
	token   TEXT NOT NULL DEFAULT '',
	expires INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX jobs_queued ON jobs (seq) WHERE state = 'queued';
CREATE INDEX jobs_leased ON jobs (runner) WHERE state = 'leased';
CREATE UNIQUE INDEX jobs_token ON jobs (token) WHERE token <> '';

CREATE TABLE check_runs (
	id          INTEGER PRIMARY KEY AUTOINCREMENT,
	github      INTEGER NOT NULL DEFAULT 0,
	execution   INTEGER NOT NULL REFERENCES executions (id),
	stage       TEXT NOT NULL,
	attempt     INTEGER NOT NULL,
	n           INTEGER NOT NULL,
	name        TEXT NOT NULL,
	external_id TEXT NOT NULL UNIQUE,
	status      TEXT NOT NULL DEFAULT '',
	conclusion  TEXT NOT NULL DEFAULT '',
	waiting     TEXT NOT NULL DEFAULT '',
	digest      TEXT NOT NULL DEFAULT '',
	note        TEXT NOT NULL DEFAULT '',
	opened_at   INTEGER NOT NULL DEFAULT 0,
	accepted_at INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX check_runs_execution ON check_runs (execution, id);
CREATE INDEX check_runs_github ON check_runs (github) WHERE github <> 0;

CREATE TABLE announcements (
	repository_id INTEGER NOT NULL,
	pull_request  INTEGER NOT NULL,
	pipeline      TEXT NOT NULL,
	execution     INTEGER NOT NULL REFERENCES executions (id),
	comment       INTEGER NOT NULL DEFAULT 0,
	digest        TEXT NOT NULL DEFAULT '',
	PRIMARY KEY (repository_id, pull_request, pipeline)
) STRICT, WITHOUT ROWID;
CREATE INDEX announcements_execution ON announcements (execution);

CREATE TABLE audit (
	id        INTEGER PRIMARY KEY AUTOINCREMENT,
	at        INTEGER NOT NULL,
	execution TEXT NOT NULL,
	kind      TEXT NOT NULL,
	actor     TEXT NOT NULL,
	event     TEXT NOT NULL
) STRICT;
CREATE INDEX audit_execution ON audit (execution, id);
CREATE TRIGGER audit_keeps_what_was BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_keeps_all BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
