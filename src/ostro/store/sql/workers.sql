-- name: worker_former
-- The present holder of a name, locked: two registrations of one name wait for each other. Whether its token still
-- counts, since a name that a token binds stays its own while the server is off.
SELECT w.instance, w.session, w.token, w.binding, w.expires_at, w.left_at, t.id IS NOT NULL AS token_counts
FROM workers w
LEFT JOIN tokens t ON t.id = w.token AND t.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > $3)
WHERE w.namespace = $1 AND w.name = $2
FOR UPDATE OF w;

-- name: worker_joined
-- The token of the server that joined under a name, if it still counts: by the index that keeps such names apart.
SELECT id FROM tokens
WHERE namespace = $1 AND label = $2 AND kind = 'worker' AND revoked_at IS NULL AND parent IS NOT NULL
  AND (expires_at IS NULL OR expires_at > $3);

-- name: worker_register
-- One row a name. It comes back only if the holder is still the one that was looked at ($5, none: NULL).
INSERT INTO workers (namespace, name, instance, session, token, capabilities, binding, pool, actions, tags, slots,
    version, registered_at, seen_at, expires_at)
VALUES ($1, $2, $3, $4, $6, $7, $8, $9, $10, $11, $12, $13, $14, $14, $15)
ON CONFLICT (namespace, name) DO UPDATE
SET instance = excluded.instance, session = excluded.session, token = excluded.token,
    capabilities = excluded.capabilities, binding = excluded.binding, pool = excluded.pool,
    actions = excluded.actions, tags = excluded.tags, slots = excluded.slots, version = excluded.version,
    registered_at = excluded.registered_at, seen_at = excluded.seen_at, expires_at = excluded.expires_at,
    left_at = NULL
WHERE workers.session = $5
RETURNING session;

-- name: worker_token
-- Locked, so that of a registration and a revocation one waits for the other: the later one sees what the earlier
-- did. So do two registrations by one token, which are counted.
SELECT revoked_at IS NOT NULL FROM tokens WHERE id = $1 FOR NO KEY UPDATE;

-- name: workers_of_token
-- For the limit of live sessions per token; the worker's own name does not count.
SELECT count(*) FROM workers
WHERE namespace = $1 AND token = $2 AND name <> $3 AND left_at IS NULL AND expires_at >= $4;

-- name: worker_by_session
-- A session that began at another server, or before this one was started.
SELECT namespace, name, instance, session, token, capabilities, binding, pool, actions, tags, slots, version
FROM workers WHERE namespace = $1 AND session = $2 AND left_at IS NULL;

-- name: workers_renew
-- Renews many sessions at once, one row each, in the order of their keys. Who does not come back has ended.
UPDATE workers w
SET seen_at = $3, expires_at = $4
FROM (
    SELECT l.namespace, l.name
    FROM unnest($1::integer[], $2::uuid[]) AS s (namespace, session)
    JOIN workers l ON l.namespace = s.namespace AND l.session = s.session
    WHERE l.left_at IS NULL
    ORDER BY l.namespace, l.name
    FOR NO KEY UPDATE OF l
) AS mine
WHERE w.namespace = mine.namespace AND w.name = mine.name AND w.left_at IS NULL
RETURNING w.namespace, w.session;

-- name: worker_filter
-- The tags that a worker filters by may change with each poll.
UPDATE workers SET tags = $3 WHERE namespace = $1 AND session = $2 AND left_at IS NULL;

-- name: worker_leave
-- The lock waits for a claim that is under way for the session.
WITH mine AS (SELECT namespace, name FROM workers WHERE namespace = $1 AND session = $2 AND left_at IS NULL FOR UPDATE)
UPDATE workers w SET left_at = $3 FROM mine WHERE w.namespace = mine.namespace AND w.name = mine.name
RETURNING w.session;

-- name: workers_leave_by_token
-- A revoked token ends its sessions at once.
WITH mine AS (
    SELECT namespace, name FROM workers WHERE namespace = $1 AND token = $2 AND left_at IS NULL
    ORDER BY namespace, name FOR UPDATE
)
UPDATE workers w SET left_at = $3 FROM mine WHERE w.namespace = mine.namespace AND w.name = mine.name
RETURNING w.session;

-- name: workers_live
-- Who could run something now, and how much each has in hand: for "why is it waiting" and the list of workers.
SELECT w.name, w.capabilities, w.binding, w.pool, w.actions, w.tags, w.slots, w.version, w.registered_at, w.seen_at,
    (SELECT count(*) FROM queue q WHERE q.namespace = w.namespace AND q.session = w.session) AS busy
FROM workers w
WHERE w.namespace = $1 AND w.left_at IS NULL AND w.expires_at >= $2
ORDER BY w.name;
