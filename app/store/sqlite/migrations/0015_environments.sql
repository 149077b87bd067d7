-- An environment is one in whatever letters its name is written. The locks of
-- environments have no lane.
UPDATE OR IGNORE locks SET stage = lower(stage) WHERE lane = '';
UPDATE OR IGNORE waiters SET stage = lower(stage) WHERE lane = '';
