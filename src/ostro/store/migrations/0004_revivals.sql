-- A task that an operator lets run again has its retries again: they are counted from the first run since then.
ALTER TABLE tasks ADD COLUMN since integer NOT NULL DEFAULT 1;
ALTER TYPE given_task ADD ATTRIBUTE since integer;
