-- Reviewers of environments who are asked at GitHub about an approval, by a run of a
-- workflow.
CREATE TABLE review_requests (
	id            INTEGER PRIMARY KEY AUTOINCREMENT,
	repository_id INTEGER NOT NULL,
	execution     INTEGER NOT NULL REFERENCES executions (id),
	stage         TEXT NOT NULL,
	action        TEXT NOT NULL,
	attempt       INTEGER NOT NULL,
	environment   TEXT NOT NULL COLLATE NOCASE,
	branch        TEXT NOT NULL DEFAULT '',
	head_sha      TEXT NOT NULL DEFAULT '',
	run           INTEGER NOT NULL DEFAULT 0,
	url           TEXT NOT NULL DEFAULT '',
	state         TEXT NOT NULL DEFAULT '',
	problem       TEXT NOT NULL DEFAULT '',
	asked_at      INTEGER NOT NULL,
	UNIQUE (execution, stage, action, attempt)
) STRICT;
CREATE INDEX review_requests_run ON review_requests (repository_id, run);
CREATE INDEX review_requests_environment ON review_requests (repository_id, environment, asked_at);
