-- What starts at a time, of the default branch's pipeline files. last_at is the
-- time that was handed on last.
CREATE TABLE schedules (
	repository_id INTEGER NOT NULL,
	pipeline      TEXT NOT NULL,
	repository    TEXT NOT NULL,
	installation  INTEGER NOT NULL,
	times         TEXT NOT NULL,
	next_at       INTEGER NOT NULL,
	last_at       INTEGER NOT NULL DEFAULT 0,
	PRIMARY KEY (repository_id, pipeline)
) STRICT, WITHOUT ROWID;
CREATE INDEX schedules_next ON schedules (next_at);
