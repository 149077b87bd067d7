-- The stages that executions have succeeded in: a rollback can go back to them.
CREATE TABLE passes (
	execution INTEGER NOT NULL REFERENCES executions (id),
	stage     TEXT NOT NULL,
	PRIMARY KEY (execution, stage)
) STRICT, WITHOUT ROWID;
INSERT INTO passes (execution, stage)
	SELECT executions.id, json_extract(value, '$.Name') FROM executions, json_each(executions.state, '$.Stages')
	WHERE json_extract(value, '$.Status') = 'succeeded';
