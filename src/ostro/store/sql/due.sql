-- name: namespace_ids
-- Loops go through the namespaces one by one, since every index leads with it.
SELECT id FROM namespaces ORDER BY id;

-- name: timers_due
-- Plain reads, no locks: what they submit may come twice, and the lane that decides takes the row away.
-- The oldest of each namespace first, so a burst leaves nobody behind.
SELECT one.namespace, one.workflow, one.kind, one.task, one.due_at
FROM unnest($1::integer[]) AS n (namespace)
CROSS JOIN LATERAL (
    SELECT t.namespace, t.workflow, t.kind, t.task, t.due_at
    FROM timers t
    WHERE t.namespace = n.namespace AND NOT t.parked AND t.due_at <= $2
    ORDER BY t.due_at
    LIMIT $3
) AS one;

-- name: timer_failed
-- The third failure parks it; whether it is parked now.
UPDATE timers SET attempts = attempts + 1, problem = $5, parked = attempts + 1 >= 3
WHERE namespace = $1 AND workflow = $2 AND kind = $3 AND task = $4
RETURNING parked;

-- name: timer_drop
-- Long due, and its workflow has nothing to do for it. Not if it was set anew meanwhile.
DELETE FROM timers WHERE namespace = $1 AND workflow = $2 AND kind = $3 AND task = $4 AND due_at = $5;

-- name: messages_due
-- What goes to other workflows, and what a lane did not follow up itself, because its server went away.
SELECT one.namespace, one.workflow, one.id, one.kind, one.due_at, one.body
FROM unnest($1::integer[]) AS n (namespace)
CROSS JOIN LATERAL (
    SELECT m.namespace, m.workflow, m.id, m.kind, m.due_at, m.body
    FROM messages m
    WHERE m.namespace = n.namespace AND NOT m.parked AND m.due_at <= $2
    ORDER BY m.due_at, m.id
    LIMIT $3
) AS one;

-- name: message_failed
-- The third failure parks it; whether it is parked now.
UPDATE messages SET attempts = attempts + 1, problem = $4, parked = attempts + 1 >= 3
WHERE namespace = $1 AND workflow = $2 AND id = $3
RETURNING parked;

-- name: message_drop
-- Long due, and its workflow has nothing to do for it.
DELETE FROM messages WHERE namespace = $1 AND workflow = $2 AND id = $3;

-- name: workflow_parked
-- The workflow says that something of it could not be decided. Lanes do not write this column.
UPDATE workflows SET parked = true WHERE namespace = $1 AND id = $2 AND NOT parked;

-- name: answers_prune
-- Answers that nobody may ask for again; a bounded part at a time.
DELETE FROM answers a
USING unnest($1::integer[]) AS n (namespace)
CROSS JOIN LATERAL (
    SELECT o.namespace, o.key FROM answers o
    WHERE o.namespace = n.namespace AND o.until < $2
    ORDER BY o.until
    LIMIT $3
) AS old
WHERE a.namespace = old.namespace AND a.key = old.key;

-- name: queues_prune
-- Not marked as in use for a day, and without a job, queued or leased: a leased one may come back to its queue.
WITH unused AS (
    SELECT d.namespace, d.id
    FROM queues d
    WHERE d.namespace = ANY ($1::integer[]) AND d.made_at < $2
        AND NOT EXISTS (
            SELECT FROM queue q
            WHERE q.namespace = d.namespace AND q.queue = d.id AND q.session IS NULL AND q.revoked_at IS NULL)
        AND NOT EXISTS (
            SELECT FROM queue q WHERE q.namespace = d.namespace AND q.queue = d.id AND q.session IS NOT NULL)
    ORDER BY d.namespace, d.id
    LIMIT $3
    FOR UPDATE OF d SKIP LOCKED
)
DELETE FROM queues d USING unused u WHERE d.namespace = u.namespace AND d.id = u.id
RETURNING d.namespace, d.id;

-- name: workers_prune
-- Workers that left, or were last heard of, long ago.
DELETE FROM workers w WHERE w.namespace = ANY ($1::integer[]) AND w.expires_at < $2;

-- name: tokens_prune
-- Tokens that have not counted for long, of each namespace at most so many; what they did stands in the audit trail.
DELETE FROM tokens t
USING unnest($1::integer[]) AS n (namespace)
CROSS JOIN LATERAL (
    SELECT o.id FROM tokens o
    WHERE o.namespace = n.namespace AND (o.revoked_at IS NOT NULL OR o.expires_at IS NOT NULL)
      AND least(o.revoked_at, o.expires_at) < $2
    ORDER BY least(o.revoked_at, o.expires_at)
    LIMIT $3
) AS old
WHERE t.id = old.id;

-- name: libraries_prune
-- Those of which nobody said for a day ($2) that he needs them, the longest unused first: what a workflow or a version
-- needs is marked anew, and looked at a day later; the rest goes. Who starts a workflow marks its library before, so
-- one that this statement cannot see yet has a younger mark.
WITH old AS (
    SELECT one.namespace, one.key
    FROM unnest($1::integer[]) AS n (namespace)
    CROSS JOIN LATERAL (
        SELECT l.namespace, l.key FROM libraries l
        WHERE l.namespace = n.namespace AND l.used_at < $2
        ORDER BY l.used_at
        LIMIT $3
        FOR UPDATE SKIP LOCKED
    ) AS one
), needed AS (
    SELECT o.namespace, o.key FROM old o
    WHERE EXISTS (SELECT FROM workflow_specs s WHERE s.namespace = o.namespace AND s.library = o.key)
       OR EXISTS (SELECT FROM definition_versions v WHERE v.namespace = o.namespace AND v.library = o.key)
), marked AS (
    UPDATE libraries l SET used_at = $4
    FROM needed n WHERE l.namespace = n.namespace AND l.key = n.key
), dropped AS (
    DELETE FROM libraries l USING old o
    WHERE l.namespace = o.namespace AND l.key = o.key
      AND NOT EXISTS (SELECT FROM needed n WHERE n.namespace = o.namespace AND n.key = o.key)
)
SELECT count(*) FROM old;
