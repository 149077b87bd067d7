-- Who waits at a lock, a row each: a lock where many wait costs an event no more than
-- one where few do.
CREATE TABLE waiters (
	repository_id INTEGER NOT NULL,
	pipeline      TEXT NOT NULL,
	lane          TEXT NOT NULL,
	stage         TEXT NOT NULL,
	seq           INTEGER NOT NULL, -- in which they are let in
	execution     TEXT NOT NULL,
	number        INTEGER NOT NULL,
	superseding   INTEGER NOT NULL,
	claim         TEXT NOT NULL,
	PRIMARY KEY (repository_id, pipeline, lane, stage, seq)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX waiters_execution ON waiters (repository_id, pipeline, lane, stage, execution);
CREATE INDEX waiters_number ON waiters (repository_id, pipeline, lane, stage, number);
CREATE INDEX waiters_superseding ON waiters (repository_id, pipeline, lane, stage) WHERE superseding = 1;
ALTER TABLE locks ADD COLUMN waiting INTEGER NOT NULL DEFAULT 0;
INSERT INTO waiters (repository_id, pipeline, lane, stage, seq, execution, number, superseding, claim)
	SELECT repository_id, pipeline, lane, stage, key, value ->> '$.Execution', value ->> '$.Number', value ->> '$.Mode' = '', value
	FROM locks, json_each(locks.state, '$.Waiters');
UPDATE locks SET waiting = coalesce(json_array_length(state, '$.Waiters'), 0), state = json_remove(state, '$.Waiters');
