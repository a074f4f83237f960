-- name: load_workflows
-- Hot rows and what callers said. Read before the tasks: a commit in between makes the version too old, which
-- the guarded statement notices.
SELECT w.namespace, w.id, w.version, w.stamp, w.state, w.sealed, w.stopping, w.latched, w.error, w.deadline, w.ended_at, w.created_at,
       w.keep,
       s.name, s.description, s.tags, s.done_when, s.output, s.parent_workflow, s.parent_task, s.root_workflow,
       s.definition, s.definition_version,
       (SELECT body FROM flows f WHERE f.namespace = w.namespace AND f.workflow = w.id) AS flow,
       ARRAY(SELECT tag FROM sealed_tags x WHERE x.namespace = w.namespace AND x.workflow = w.id) AS sealed_tags,
       ARRAY(SELECT name FROM gone x WHERE x.namespace = w.namespace AND x.workflow = w.id) AS gone,
       ARRAY(SELECT id FROM messages x WHERE x.namespace = w.namespace AND x.workflow = w.id AND x.kind = 'go_on') AS messages,
       (SELECT body FROM messages x WHERE x.namespace = w.namespace AND x.workflow = w.id AND x.kind = 'fall') AS fall,
       ARRAY(SELECT body FROM messages x WHERE x.namespace = w.namespace AND x.workflow = w.id AND x.kind IN ('signal', 'wait')
             ORDER BY x.id) AS signals
FROM unnest($1::integer[], $2::uuid[]) AS wanted (namespace, id)
JOIN workflows w ON w.namespace = wanted.namespace AND w.id = wanted.id
JOIN workflow_specs s ON s.namespace = w.namespace AND s.workflow = w.id;

-- name: load_tasks
-- One slice of the tasks of each workflow, by key. A specification comes along only where somebody may still need it, an input only
-- where it is needed here; all of them with $5. It is found in the order of its key: without statistics the planner takes the workflow
-- alone for what narrows it down, and reads all its specifications for each task.
SELECT t.namespace, t.workflow, t.id, t.name, t.tags, t.hash, t.state, t.reason, t.error, t.run, t.job, t.version,
       t.spawned, t.weighs, t.required, t.spawned_by, t.created_at, t.started_at, t.ended_at, s.spec, s.input, t.since, t.pass
FROM unnest($1::integer[], $2::uuid[], $3::uuid[]) AS wanted (namespace, id, after)
CROSS JOIN LATERAL (
    SELECT * FROM tasks x
    WHERE (x.namespace, x.workflow, x.id) > (wanted.namespace, wanted.id, wanted.after)
      AND (x.namespace, x.workflow) <= (wanted.namespace, wanted.id)
    ORDER BY x.namespace, x.workflow, x.id LIMIT $4
) AS t
LEFT JOIN LATERAL (
    SELECT y.task, y.spec, CASE WHEN y.input_stays THEN y.input END AS input FROM task_specs y
    WHERE (y.namespace, y.workflow, y.task) >= (t.namespace, t.workflow, t.id)
      AND (t.ended_at IS NULL OR t.weighs OR $5)
    ORDER BY y.namespace, y.workflow, y.task LIMIT 1
) AS s ON s.task = t.id
ORDER BY t.namespace, t.workflow, t.id;

-- name: load_some_tasks
-- The same for the tasks that the change log names, each by one look at the key, whatever the planner believes.
SELECT t.namespace, t.workflow, t.id, t.name, t.tags, t.hash, t.state, t.reason, t.error, t.run, t.job, t.version,
       t.spawned, t.weighs, t.required, t.spawned_by, t.created_at, t.started_at, t.ended_at, s.spec, s.input, t.since, t.pass
FROM unnest($1::integer[], $2::uuid[], $3::uuid[]) AS wanted (namespace, workflow, id)
JOIN LATERAL (
    SELECT * FROM tasks x WHERE (x.namespace, x.workflow, x.id) >= (wanted.namespace, wanted.workflow, wanted.id)
    ORDER BY x.namespace, x.workflow, x.id LIMIT 1
) AS t ON t.id = wanted.id
LEFT JOIN LATERAL (
    SELECT y.task, y.spec, CASE WHEN y.input_stays THEN y.input END AS input FROM task_specs y
    WHERE (y.namespace, y.workflow, y.task) >= (t.namespace, t.workflow, t.id)
      AND (t.ended_at IS NULL OR t.weighs)
    ORDER BY y.namespace, y.workflow, y.task LIMIT 1
) AS s ON s.task = t.id;

-- name: load_changes
-- For each workflow the stamp of the commit that made a version, and which tasks were touched after it.
SELECT wanted.namespace, wanted.id, made.stamp, touched.tasks
FROM unnest($1::integer[], $2::uuid[], $3::bigint[]) AS wanted (namespace, id, version)
JOIN changes made ON made.namespace = wanted.namespace AND made.workflow = wanted.id AND made.version = wanted.version
CROSS JOIN LATERAL (
    SELECT array_agg(DISTINCT task) AS tasks
    FROM changes later CROSS JOIN LATERAL unnest(later.tasks) AS task
    WHERE later.namespace = wanted.namespace AND later.workflow = wanted.id AND later.version > wanted.version
) AS touched;

-- name: load_versions
-- Whether what is cached is still the truth.
SELECT w.namespace, w.id, w.version, w.stamp
FROM unnest($1::integer[], $2::uuid[]) AS cached (namespace, id)
JOIN workflows w ON w.namespace = cached.namespace AND w.id = cached.id;

-- name: load_stamp
-- Which commit made a version: others may have committed since, so the workflow's own row cannot tell.
SELECT stamp FROM changes WHERE namespace = $1 AND workflow = $2 AND version = $3;

-- name: load_steps
-- What core keeps of each task of these definitions.
SELECT s.namespace, s.workflow, s.task, s.body
FROM unnest($1::integer[], $2::uuid[]) AS wanted (namespace, id)
JOIN steps s ON s.namespace = wanted.namespace AND s.workflow = wanted.id
ORDER BY s.namespace, s.workflow, s.task;

-- name: load_runs
-- The runs of definitions' tasks that have ended, with their results: expressions read them. The last of an item counts.
SELECT j.namespace, j.workflow, j.task, j.run, j.item, j.state, j.error, r.body
FROM unnest($1::integer[], $2::uuid[]) AS wanted (namespace, id)
JOIN jobs j ON j.namespace = wanted.namespace AND j.workflow = wanted.id
LEFT JOIN results r ON r.namespace = j.namespace AND r.workflow = j.workflow AND r.task = j.task AND r.run = j.run
    AND r.item = j.item
ORDER BY j.namespace, j.workflow, j.task, j.run, j.item;

-- name: load_live_jobs
-- Their jobs that are queued, held, or wait for somebody outside.
SELECT q.namespace, q.workflow, q.job, q.task, q.item
FROM unnest($1::integer[], $2::uuid[]) AS wanted (namespace, id)
JOIN queue q ON q.namespace = wanted.namespace AND q.workflow = wanted.id
WHERE q.revoked_at IS NULL;

-- name: library_get
-- The texts of a library.
SELECT body FROM libraries WHERE namespace = $1 AND key = $2;

-- name: library_keep
-- Known by the hash of what is in it: nothing to change in one that is there but when somebody last needed it.
INSERT INTO libraries AS l (namespace, key, body, used_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (namespace, key) DO UPDATE SET used_at = greatest(l.used_at, excluded.used_at);
