-- name: fleet_list
-- Workers by name, with the jobs in their hands.
SELECT w.name, w.session, w.token, w.capabilities, w.binding, w.pool, w.actions, w.tags, w.slots, w.version,
       w.registered_at, w.seen_at, w.expires_at, w.left_at, h.running
FROM workers w
CROSS JOIN LATERAL (
    SELECT count(*) AS running FROM queue q WHERE q.namespace = w.namespace AND q.session = w.session
) h
WHERE w.namespace = $1 AND ($2::text IS NULL OR w.name > $2)
  AND (NOT $3 OR (w.left_at IS NULL AND w.expires_at > $4))
ORDER BY w.name
LIMIT $5;
