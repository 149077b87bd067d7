-- How many annotations GitHub has of a check run: it adds what it is sent.
ALTER TABLE check_runs ADD COLUMN annotations INTEGER NOT NULL DEFAULT 0;
