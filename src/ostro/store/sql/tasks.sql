-- name: tasks_get_by_name
-- The newest pass: it is what a name means.
SELECT t.id, t.workflow, t.name, t.pass, t.state, t.reason, t.error, t.run, t.job, t.version, t.spawned, t.spawned_by,
       t.created_at, t.started_at, t.ended_at, s.spec, s.input,
       (SELECT body FROM steps x WHERE x.namespace = t.namespace AND x.workflow = t.workflow AND x.task = t.id) AS step
FROM tasks t
JOIN task_specs s ON s.namespace = t.namespace AND s.workflow = t.workflow AND s.task = t.id
WHERE t.namespace = $1 AND t.workflow = $2 AND t.name = $3
ORDER BY t.pass DESC
LIMIT 1;

-- name: tasks_get_by_id
-- By its key.
SELECT t.id, t.workflow, t.name, t.pass, t.state, t.reason, t.error, t.run, t.job, t.version, t.spawned, t.spawned_by,
       t.created_at, t.started_at, t.ended_at, s.spec, s.input,
       (SELECT body FROM steps x WHERE x.namespace = t.namespace AND x.workflow = t.workflow AND x.task = t.id) AS step
FROM tasks t
JOIN task_specs s ON s.namespace = t.namespace AND s.workflow = t.workflow AND s.task = t.id
WHERE t.namespace = $1 AND t.workflow = $2 AND t.id = $3;

-- name: tasks_list
-- In the order of their making: the key is ordered by time. Inputs and published variables stay where they are.
SELECT t.id, t.workflow, t.name, t.pass, t.state, t.reason, t.error, t.run, t.job, t.version, t.spawned, t.spawned_by,
       t.created_at, t.started_at, t.ended_at, s.spec, NULL::bytea AS input,
       NULL::bytea AS step
FROM tasks t
JOIN task_specs s ON s.namespace = t.namespace AND s.workflow = t.workflow AND s.task = t.id
WHERE t.namespace = $1 AND t.workflow = $2
  AND ($3::uuid IS NULL OR t.id > $3)
  AND ($4::text[] IS NULL OR t.state = ANY ($4))
  AND ($5::text IS NULL OR t.name = $5)
  AND ($6::text IS NULL OR $6 = ANY (t.tags))
ORDER BY t.id
LIMIT $7;

-- name: tasks_result
-- The result of one run.
SELECT body FROM results WHERE namespace = $1 AND workflow = $2 AND task = $3 AND run = $4 AND item = $5;

-- name: tasks_is_gone
-- Whether a task of this name was deleted.
SELECT EXISTS (SELECT 1 FROM gone WHERE namespace = $1 AND workflow = $2 AND name = $3);

-- name: tasks_delay
-- When a delayed task goes on; what it waits for stands in what its definition keeps of it.
SELECT t.due_at,
       (SELECT body FROM steps x WHERE x.namespace = t.namespace AND x.workflow = t.workflow AND x.task = t.task) AS step
FROM timers t
WHERE t.namespace = $1 AND t.workflow = $2 AND t.kind = 'retry' AND t.task = $3;

-- name: tasks_item_results
-- What the items of a loop gave, in their order: of each the last run.
SELECT DISTINCT ON (j.item) j.item, j.error, r.body
FROM jobs j
LEFT JOIN results r ON r.namespace = j.namespace AND r.workflow = j.workflow AND r.task = j.task AND r.run = j.run
    AND r.item = j.item
WHERE j.namespace = $1 AND j.workflow = $2 AND j.task = $3
ORDER BY j.item, j.run DESC;

-- name: tasks_shown
-- Of each of several workflows the first tasks of each kind that people look for: what is under way, what failed, what
-- waits, what is done. Each kind is a walk along the key that stops at $3. What a definition keeps of an ended task may
-- be large and says little then.
SELECT t.id, t.workflow, t.name, t.pass, t.state, t.reason, t.error, t.run, t.job, t.version, t.spawned, t.spawned_by,
       t.created_at, t.started_at, t.ended_at, s.spec, NULL::bytea AS input, t.since,
       x.task IS NOT NULL AS planned,
       CASE WHEN t.ended_at IS NULL OR octet_length(x.body) <= 65536 THEN x.body END AS step
FROM unnest($2::uuid[]) AS f (workflow)
CROSS JOIN (VALUES ('RUNNING,DELAYED,PAUSED'), ('ERROR,CANCELLED'), ('WAITING'), ('SUCCESS,SKIPPED')) AS k (states)
CROSS JOIN LATERAL (
    SELECT * FROM tasks o
    WHERE o.namespace = $1 AND o.workflow = f.workflow AND o.state = ANY (string_to_array(k.states, ','))
    ORDER BY o.id
    LIMIT $3
) t
JOIN task_specs s ON s.namespace = t.namespace AND s.workflow = t.workflow AND s.task = t.id
LEFT JOIN steps x ON x.namespace = t.namespace AND x.workflow = t.workflow AND x.task = t.id
ORDER BY t.id;
