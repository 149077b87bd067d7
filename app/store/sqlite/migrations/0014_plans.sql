CREATE TABLE plans (
	repository_id INTEGER NOT NULL,
	pull_request  INTEGER NOT NULL,
	comment       INTEGER NOT NULL,
	digest        TEXT NOT NULL,
	PRIMARY KEY (repository_id, pull_request)
) STRICT, WITHOUT ROWID;

CREATE INDEX deliveries_of_events ON deliveries (repository, id) WHERE event IN ('push', 'pull_request', 'merge_group');
