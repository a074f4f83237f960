-- name: queues_intern
-- In the order of their keys, so that two servers that make the same queues wait and never deadlock. A queue in
-- use is marked about hourly. Tags come as JSON texts: an array of arrays would have to be rectangular.
INSERT INTO queues (namespace, id, action, target, tags, made_at)
SELECT w.namespace, w.id, w.action, w.target, ARRAY(SELECT json_array_elements_text(w.tags::json)), $6
FROM unnest($1::integer[], $2::bigint[], $3::text[], $4::bytea[], $5::text[]) AS w (namespace, id, action, target, tags)
ORDER BY w.namespace, w.id
ON CONFLICT (namespace, id) DO UPDATE SET made_at = excluded.made_at
WHERE queues.made_at < excluded.made_at - interval '10 minutes';

-- name: queues_by_key
-- Queues that other servers made, learned when a job of theirs is heard of.
SELECT q.namespace, q.id, q.action, q.target, q.tags
FROM unnest($1::integer[], $2::bigint[]) AS w (namespace, id)
JOIN queues q ON q.namespace = w.namespace AND q.id = w.id;

-- name: queues_count
-- For the limit; counts no further than it.
SELECT count(*) FROM (SELECT 1 FROM queues WHERE namespace = $1 LIMIT $2) AS counted;
