-- What people look for executions by.
ALTER TABLE executions ADD COLUMN repository TEXT NOT NULL DEFAULT '' COLLATE NOCASE;
ALTER TABLE executions ADD COLUMN status TEXT NOT NULL DEFAULT '';
UPDATE executions SET repository = coalesce(json_extract(state, '$.Repository'), ''), status = coalesce(json_extract(state, '$.Status'), '');
CREATE INDEX executions_repository ON executions (repository, id);
CREATE INDEX executions_status ON executions (status, id);
CREATE INDEX executions_pipeline ON executions (pipeline, id);
