-- name: changes_after
-- The feed: a range of the key. A commit that only kept an answer to a repeated request is no news; its row proves
-- that it passed, and is left out.
SELECT version, at, tasks, entries FROM changes
WHERE namespace = $1 AND workflow = $2 AND version > $3 AND NOT (entries = '[]'::bytea AND tasks = '{}')
ORDER BY version
LIMIT $4;
