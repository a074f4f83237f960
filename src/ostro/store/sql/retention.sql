-- name: retention_due
-- Ended workflows past their time, locked: first by a time of their own, which those have whose deletion has begun,
-- then by that of their namespace ($3 is the server's). One look into an index each, and no further than for $4 in
-- all. Another server's are skipped, so servers share the work. One whose job is still being stopped on a worker
-- waits: queue rows are the dispatcher's.
WITH by_own AS (
    SELECT one.namespace, one.id
    FROM unnest($1::integer[]) AS n (namespace)
    CROSS JOIN LATERAL (
        SELECT w.namespace, w.id FROM workflows w
        WHERE w.namespace = n.namespace AND w.ended_at IS NOT NULL AND w.keep <> 0
          AND (w.ended_at AT TIME ZONE 'UTC') + w.keep * interval '1 second' <= $2::timestamptz AT TIME ZONE 'UTC'
          AND NOT EXISTS (SELECT FROM queue q WHERE q.namespace = w.namespace AND q.workflow = w.id)
        ORDER BY (w.ended_at AT TIME ZONE 'UTC') + w.keep * interval '1 second'
        LIMIT $4
        FOR UPDATE OF w SKIP LOCKED
    ) AS one
    LIMIT $4
), by_namespace AS (
    SELECT one.namespace, one.id
    FROM namespaces n
    CROSS JOIN LATERAL (
        SELECT w.namespace, w.id FROM workflows w
        WHERE w.namespace = n.id AND w.ended_at IS NOT NULL AND w.keep IS NULL
          AND w.ended_at <= $2::timestamptz - coalesce(n.keep, $3::integer) * interval '1 second'
          AND NOT EXISTS (SELECT FROM queue q WHERE q.namespace = w.namespace AND q.workflow = w.id)
        ORDER BY w.ended_at
        LIMIT $4
        FOR UPDATE OF w SKIP LOCKED
    ) AS one
    WHERE n.id = ANY ($1::integer[]) AND coalesce(n.keep, $3::integer) > 0
    LIMIT $4
)
SELECT namespace, id FROM by_own UNION ALL SELECT namespace, id FROM by_namespace LIMIT $4;

-- name: retention_mark
-- Not all of these went in one part: nobody reads them any more (-1, and nothing is said of them), they are due
-- whatever the settings become, and what a lane still has in its memory is out of date.
WITH given AS (
    SELECT * FROM unnest($1::integer[], $2::uuid[]) AS g (namespace, workflow)
), specs AS (
    DELETE FROM workflow_specs s USING given g WHERE s.namespace = g.namespace AND s.workflow = g.workflow
)
UPDATE workflows w SET keep = -1, stamp = ~w.stamp
FROM given g
WHERE w.namespace = g.namespace AND w.id = g.workflow AND w.keep IS DISTINCT FROM -1;

-- name: retention_drop
-- The last part: the workflows themselves.
WITH given AS (
    SELECT * FROM unnest($1::integer[], $2::uuid[]) AS g (namespace, workflow)
), specs AS (
    DELETE FROM workflow_specs s USING given g WHERE s.namespace = g.namespace AND s.workflow = g.workflow
)
DELETE FROM workflows w USING given g WHERE w.namespace = g.namespace AND w.id = g.workflow;

-- name: retention_task_specs
-- Rows of these workflows, $3 at most. First of all: a task without its specification is not read any more.
DELETE FROM task_specs x
USING (
    SELECT one.* FROM unnest($1::integer[], $2::uuid[]) AS g (namespace, workflow)
    CROSS JOIN LATERAL (
        SELECT y.namespace, y.workflow, y.task FROM task_specs y
        WHERE y.namespace = g.namespace AND y.workflow = g.workflow
        LIMIT $3
    ) AS one
    LIMIT $3
) AS old
WHERE x.namespace = old.namespace AND x.workflow = old.workflow AND x.task = old.task;

-- name: retention_results
-- The payloads of jobs, $3 at most.
DELETE FROM results x
USING (
    SELECT one.* FROM unnest($1::integer[], $2::uuid[]) AS g (namespace, workflow)
    CROSS JOIN LATERAL (
        SELECT y.namespace, y.workflow, y.task, y.run, y.item FROM results y
        WHERE y.namespace = g.namespace AND y.workflow = g.workflow
        LIMIT $3
    ) AS one
    LIMIT $3
) AS old
WHERE x.namespace = old.namespace AND x.workflow = old.workflow AND x.task = old.task AND x.run = old.run AND x.item = old.item;

-- name: retention_logs
-- What jobs wrote, $3 pieces at most.
DELETE FROM logs x
USING (
    SELECT one.* FROM unnest($1::integer[], $2::uuid[]) AS g (namespace, workflow)
    CROSS JOIN LATERAL (
        SELECT y.namespace, y.workflow, y.job, y.fence, y.start FROM logs y
        WHERE y.namespace = g.namespace AND y.workflow = g.workflow
        LIMIT $3
    ) AS one
    LIMIT $3
) AS old
WHERE x.namespace = old.namespace AND x.workflow = old.workflow AND x.job = old.job AND x.fence = old.fence AND x.start = old.start;

-- name: retention_jobs
-- Ended runs, $3 at most.
DELETE FROM jobs x
USING (
    SELECT one.* FROM unnest($1::integer[], $2::uuid[]) AS g (namespace, workflow)
    CROSS JOIN LATERAL (
        SELECT y.namespace, y.workflow, y.task, y.run, y.item FROM jobs y
        WHERE y.namespace = g.namespace AND y.workflow = g.workflow
        LIMIT $3
    ) AS one
    LIMIT $3
) AS old
WHERE x.namespace = old.namespace AND x.workflow = old.workflow AND x.task = old.task AND x.run = old.run AND x.item = old.item;

-- name: retention_tasks
-- The tasks, $3 at most.
DELETE FROM tasks x
USING (
    SELECT one.* FROM unnest($1::integer[], $2::uuid[]) AS g (namespace, workflow)
    CROSS JOIN LATERAL (
        SELECT y.namespace, y.workflow, y.id FROM tasks y
        WHERE y.namespace = g.namespace AND y.workflow = g.workflow
        LIMIT $3
    ) AS one
    LIMIT $3
) AS old
WHERE x.namespace = old.namespace AND x.workflow = old.workflow AND x.id = old.id;

-- name: retention_changes
-- Their history, $3 at most.
DELETE FROM changes x
USING (
    SELECT one.* FROM unnest($1::integer[], $2::uuid[]) AS g (namespace, workflow)
    CROSS JOIN LATERAL (
        SELECT y.namespace, y.workflow, y.version FROM changes y
        WHERE y.namespace = g.namespace AND y.workflow = g.workflow
        LIMIT $3
    ) AS one
    LIMIT $3
) AS old
WHERE x.namespace = old.namespace AND x.workflow = old.workflow AND x.version = old.version;

-- name: retention_gone
-- Names of deleted tasks, $3 at most.
DELETE FROM gone x
USING (
    SELECT one.* FROM unnest($1::integer[], $2::uuid[]) AS g (namespace, workflow)
    CROSS JOIN LATERAL (
        SELECT y.namespace, y.workflow, y.name FROM gone y
        WHERE y.namespace = g.namespace AND y.workflow = g.workflow
        LIMIT $3
    ) AS one
    LIMIT $3
) AS old
WHERE x.namespace = old.namespace AND x.workflow = old.workflow AND x.name = old.name;

-- name: retention_sealed_tags
-- Sealed tags, $3 at most.
DELETE FROM sealed_tags x
USING (
    SELECT one.* FROM unnest($1::integer[], $2::uuid[]) AS g (namespace, workflow)
    CROSS JOIN LATERAL (
        SELECT y.namespace, y.workflow, y.tag FROM sealed_tags y
        WHERE y.namespace = g.namespace AND y.workflow = g.workflow
        LIMIT $3
    ) AS one
    LIMIT $3
) AS old
WHERE x.namespace = old.namespace AND x.workflow = old.workflow AND x.tag = old.tag;

-- name: retention_timers
-- Only parked ones are left in an ended workflow; $3 at most.
DELETE FROM timers x
USING (
    SELECT one.* FROM unnest($1::integer[], $2::uuid[]) AS g (namespace, workflow)
    CROSS JOIN LATERAL (
        SELECT y.namespace, y.workflow, y.kind, y.task FROM timers y
        WHERE y.namespace = g.namespace AND y.workflow = g.workflow
        LIMIT $3
    ) AS one
    LIMIT $3
) AS old
WHERE x.namespace = old.namespace AND x.workflow = old.workflow AND x.kind = old.kind AND x.task = old.task;

-- name: retention_messages
-- Only parked ones are left in an ended workflow; $3 at most.
DELETE FROM messages x
USING (
    SELECT one.* FROM unnest($1::integer[], $2::uuid[]) AS g (namespace, workflow)
    CROSS JOIN LATERAL (
        SELECT y.namespace, y.workflow, y.id FROM messages y
        WHERE y.namespace = g.namespace AND y.workflow = g.workflow
        LIMIT $3
    ) AS one
    LIMIT $3
) AS old
WHERE x.namespace = old.namespace AND x.workflow = old.workflow AND x.id = old.id;

-- name: retention_steps
-- What core kept of their tasks, $3 at most.
DELETE FROM steps x
USING (
    SELECT one.* FROM unnest($1::integer[], $2::uuid[]) AS g (namespace, workflow)
    CROSS JOIN LATERAL (
        SELECT y.namespace, y.workflow, y.task FROM steps y
        WHERE y.namespace = g.namespace AND y.workflow = g.workflow
        LIMIT $3
    ) AS one
    LIMIT $3
) AS old
WHERE x.namespace = old.namespace AND x.workflow = old.workflow AND x.task = old.task;

-- name: retention_inputs
-- Inputs of jobs, $3 at most.
DELETE FROM inputs x
USING (
    SELECT one.* FROM unnest($1::integer[], $2::uuid[]) AS g (namespace, workflow)
    CROSS JOIN LATERAL (
        SELECT y.namespace, y.workflow, y.job FROM inputs y
        WHERE y.namespace = g.namespace AND y.workflow = g.workflow
        LIMIT $3
    ) AS one
    LIMIT $3
) AS old
WHERE x.namespace = old.namespace AND x.workflow = old.workflow AND x.job = old.job;

-- name: retention_flows
-- What core kept of their definition, $3 at most.
DELETE FROM flows x
USING (
    SELECT one.* FROM unnest($1::integer[], $2::uuid[]) AS g (namespace, workflow)
    CROSS JOIN LATERAL (
        SELECT y.namespace, y.workflow FROM flows y
        WHERE y.namespace = g.namespace AND y.workflow = g.workflow
        LIMIT $3
    ) AS one
    LIMIT $3
) AS old
WHERE x.namespace = old.namespace AND x.workflow = old.workflow;
