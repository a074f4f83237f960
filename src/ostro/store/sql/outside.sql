-- name: outside_tasks
-- Tasks that an expression of another workflow asks for: of one workflow, with $3 of those too that its tasks run,
-- or without one ($2) of the whole namespace, the newest first. Never more than $5; no results where they have more than $6 bytes.
WITH RECURSIVE family AS (
    SELECT $2::uuid AS id
    UNION ALL
    SELECT s.workflow FROM family f
    JOIN workflow_specs s ON s.namespace = $1 AND s.parent_workflow = f.id
    WHERE $3
), found AS (
    SELECT t.id, t.name, t.workflow, t.state, t.error, t.created_at, t.started_at, t.ended_at, r.body,
           (SELECT body FROM steps x WHERE x.namespace = t.namespace AND x.workflow = t.workflow AND x.task = t.id) AS step
    FROM tasks t
    LEFT JOIN results r ON r.namespace = t.namespace AND r.workflow = t.workflow AND r.task = t.id AND r.run = t.run
        AND r.item = 0
    WHERE t.namespace = $1
      AND ($2::uuid IS NULL OR t.workflow IN (SELECT id FROM family))
      AND ($4::text IS NULL OR t.state = $4)
    ORDER BY t.id DESC
    LIMIT $5
), size AS (
    SELECT coalesce(sum(octet_length(body)), 0) > $6 AS too_large FROM found
)
SELECT f.id, f.name, f.workflow, f.state, f.error, f.created_at, f.started_at, f.ended_at, f.step, s.too_large,
       CASE WHEN NOT s.too_large THEN f.body END AS result
FROM found f, size s
ORDER BY f.id DESC;

-- name: outside_results
-- The results of these runs of a workflow's tasks; without their bodies where those have more than $5 bytes together.
WITH found AS (
    SELECT r.task, r.body
    FROM unnest($3::uuid[], $4::integer[]) AS w (task, run)
    JOIN results r ON r.namespace = $1 AND r.workflow = $2 AND r.task = w.task AND r.run = w.run AND r.item = 0
), size AS (
    SELECT coalesce(sum(octet_length(body)), 0) > $5 AS too_large FROM found
)
SELECT f.task, CASE WHEN NOT s.too_large THEN f.body END AS body FROM found f, size s;

-- name: outside_workflows
-- Workflows that an expression asks for, the newest first: one by its id ($2), those of a root ($3), in a state, made
-- within a time. Never more than $7.
SELECT w.id, w.state, w.created_at, w.ended_at, s.name, s.root_workflow,
       (SELECT body FROM flows f WHERE f.namespace = w.namespace AND f.workflow = w.id) AS flow
FROM workflows w
JOIN workflow_specs s ON s.namespace = w.namespace AND s.workflow = w.id
WHERE w.namespace = $1
  AND ($2::uuid IS NULL OR w.id = $2)
  AND ($3::uuid IS NULL OR s.root_workflow = $3)
  AND ($4::text IS NULL OR w.state = $4)
  AND ($5::timestamptz IS NULL OR w.created_at >= $5)
  AND ($6::timestamptz IS NULL OR w.created_at < $6)
ORDER BY w.id DESC
LIMIT $7;

-- name: outside_offered
-- Whether a worker that is known here, alive or not, runs an action.
SELECT EXISTS (SELECT FROM workers w WHERE w.namespace = $1 AND $2 = ANY (w.actions));
