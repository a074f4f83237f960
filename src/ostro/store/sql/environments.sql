-- name: environments_get
-- One, with its values.
SELECT name, version, description, variables, created_at, updated_at
FROM environments WHERE namespace = $1 AND name = $2;

-- name: environments_list
-- By name, page by page, without the values.
SELECT name, version, description, '{}'::bytea AS variables, created_at, updated_at
FROM environments WHERE namespace = $1 AND ($2::text IS NULL OR name > $2)
ORDER BY name
LIMIT $3;

-- name: environments_create
-- Of two that come at once one is told that there is one.
INSERT INTO environments (namespace, name, version, description, variables, created_at, updated_at)
VALUES ($1, $2, 1, $3, $4, $5, $5)
ON CONFLICT DO NOTHING
RETURNING version;

-- name: environments_hold
-- Its version, locked until the transaction ends.
SELECT version FROM environments WHERE namespace = $1 AND name = $2 FOR UPDATE;

-- name: environments_replace
-- All of it anew.
UPDATE environments SET version = version + 1, description = $3, variables = $4, updated_at = $5
WHERE namespace = $1 AND name = $2;

-- name: environments_delete
-- Workflows that were started with it keep its values.
DELETE FROM environments WHERE namespace = $1 AND name = $2;
