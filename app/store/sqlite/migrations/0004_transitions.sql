-- Ways into stages that a person keeps closed; of all lanes where lane is empty.
CREATE TABLE transitions (
	repository_id INTEGER NOT NULL,
	pipeline      TEXT NOT NULL,
	stage         TEXT NOT NULL,
	lane          TEXT NOT NULL,
	actor         TEXT NOT NULL,
	reason        TEXT NOT NULL,
	at            INTEGER NOT NULL,
	until         INTEGER NOT NULL DEFAULT 0,
	PRIMARY KEY (repository_id, pipeline, stage, lane)
) STRICT, WITHOUT ROWID;
