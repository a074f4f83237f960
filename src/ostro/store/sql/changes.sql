-- name: changes_after
-- The feed: a range of the key.
SELECT version, at, tasks, entries FROM changes
WHERE namespace = $1 AND workflow = $2 AND version > $3
ORDER BY version
LIMIT $4;
