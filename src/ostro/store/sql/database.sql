-- name: database_now
-- The one statement that asks the database for the time: ostro.clock keeps the offset to it. Not now(),
-- which stands still within a transaction.
SELECT clock_timestamp();

-- name: database_notify
-- A hint to other servers, sent in a transaction of its own: inside the committing one, its lock would
-- put all commits in a row. Nothing depends on it, so it waits for no disk.
SELECT set_config('synchronous_commit', 'off', true), pg_notify($1, $2);
