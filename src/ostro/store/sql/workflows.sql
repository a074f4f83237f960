-- name: workflows_get
-- Both rows of one workflow, by its key.
SELECT w.id, w.version, w.state, w.sealed, w.stopping, w.parked, w.error, w.deadline, w.created_at, w.ended_at,
       w.keep,
       s.name, s.description, s.tags, s.done_when, s.output, s.parent_workflow, s.parent_task, s.root_workflow,
       s.definition_version,
       (SELECT d.name FROM definitions d WHERE d.namespace = s.namespace AND d.id = s.definition) AS definition,
       (SELECT body FROM flows f WHERE f.namespace = w.namespace AND f.workflow = w.id) AS flow
FROM workflows w
JOIN workflow_specs s ON s.namespace = w.namespace AND s.workflow = w.id
WHERE w.namespace = $1 AND w.id = $2;

-- name: workflows_list
-- Newest first: the key is ordered by time. What a definition brings is told of single ones alone. The filters are looked at row by row along it.
SELECT w.id, w.version, w.state, w.sealed, w.stopping, w.parked, w.error, w.deadline, w.created_at, w.ended_at,
       w.keep,
       s.name, s.description, s.tags, s.done_when, s.output, s.parent_workflow, s.parent_task, s.root_workflow,
       s.definition_version,
       (SELECT d.name FROM definitions d WHERE d.namespace = s.namespace AND d.id = s.definition) AS definition,
       NULL::bytea AS flow
FROM workflows w
JOIN workflow_specs s ON s.namespace = w.namespace AND s.workflow = w.id
WHERE w.namespace = $1
  AND ($2::uuid IS NULL OR w.id < $2)
  AND ($3::text[] IS NULL OR w.state = ANY ($3))
  AND ($4::text IS NULL OR s.name = $4)
  AND ($5::text IS NULL OR $5 = ANY (s.tags))
  AND ($6::text IS NULL OR s.definition = (
      SELECT d.id FROM definitions d WHERE d.namespace = $1 AND d.name = $6 AND d.kind = 'workflow'))
ORDER BY w.id DESC
LIMIT $7;

-- name: workflows_state
-- What a feed needs on each look: the hot row alone. One that is being deleted (-1) is there no more.
SELECT version, state FROM workflows WHERE namespace = $1 AND id = $2 AND keep IS DISTINCT FROM -1;

-- name: workflows_counts
-- One walk along the workflow's own stretch of the table.
SELECT state, count(*) AS tasks FROM tasks WHERE namespace = $1 AND workflow = $2 GROUP BY state;

-- name: workflows_sealed_tags
-- By name, for people.
SELECT tag FROM sealed_tags WHERE namespace = $1 AND workflow = $2 ORDER BY tag;

-- name: workflows_problems
-- Durable steps of this workflow that failed so often that they were parked.
SELECT problem FROM timers WHERE namespace = $1 AND workflow = $2 AND parked
UNION ALL
SELECT problem FROM messages WHERE namespace = $1 AND workflow = $2 AND parked
LIMIT 10;

-- name: workflows_output_chosen
-- The results that the workflow's own `output` names; the newest pass of each.
SELECT DISTINCT ON (t.name) t.name, t.id, t.state, length(r.body) AS size,
       CASE WHEN length(r.body) <= $4 THEN r.body END AS body
FROM tasks t
LEFT JOIN results r ON r.namespace = t.namespace AND r.workflow = t.workflow AND r.task = t.id AND r.run = t.run
     AND r.item = 0
WHERE t.namespace = $1 AND t.workflow = $2 AND t.name = ANY ($3)
ORDER BY t.name, t.pass DESC;

-- name: workflows_output_default
-- Results of successful tasks that nobody requires by name, up to a size in all: what is past it comes without its
-- body. Those without a result have none here.
SELECT o.name, o.id, o.size, CASE WHEN o.so_far <= $3 THEN r.body END AS body
FROM (
    SELECT t.name, t.id, t.run, length(x.body) AS size, sum(length(x.body)) OVER (ORDER BY t.id) AS so_far
    FROM tasks t
    JOIN results x ON x.namespace = t.namespace AND x.workflow = t.workflow AND x.task = t.id AND x.run = t.run
         AND x.item = 0
    WHERE t.namespace = $1 AND t.workflow = $2 AND t.state = 'SUCCESS' AND t.required = 0
    ORDER BY t.id
    LIMIT $4
) o
JOIN results r ON r.namespace = $1 AND r.workflow = $2 AND r.task = o.id AND r.run = o.run AND r.item = 0
ORDER BY o.id;

-- name: workflows_children
-- The workflows that tasks of these run, along the index of parents: first those that run, then those that failed, then
-- the newest. A child bears the id of the run that waits for it, in the queue or ended: that knows the item.
SELECT w.id, w.version, w.state, w.sealed, w.stopping, w.parked, w.error, w.deadline, w.created_at, w.ended_at,
       w.keep,
       s.name, s.description, s.tags, s.done_when, s.output, s.parent_workflow, s.parent_task, s.root_workflow,
       s.definition_version,
       (SELECT d.name FROM definitions d WHERE d.namespace = s.namespace AND d.id = s.definition) AS definition,
       NULL::bytea AS flow,
       COALESCE(
           (SELECT q.item FROM queue q WHERE q.namespace = s.namespace AND q.workflow = s.parent_workflow AND q.job = s.workflow),
           (SELECT j.item FROM jobs j WHERE j.namespace = s.namespace AND j.id = s.workflow),
           0) AS item
FROM workflow_specs s
JOIN workflows w ON w.namespace = s.namespace AND w.id = s.workflow
WHERE s.namespace = $1 AND s.parent_workflow = ANY ($2::uuid[])
ORDER BY w.ended_at IS NOT NULL, w.state = 'SUCCESS', w.id DESC
LIMIT $3;

-- name: workflows_family
-- How many there are in a family, and the sum of their versions: it grows with each change of any of them.
WITH RECURSIVE family AS (
    SELECT $2::uuid AS id
    UNION ALL
    SELECT s.workflow FROM family f
    JOIN workflow_specs s ON s.namespace = $1 AND s.parent_workflow = f.id
)
SELECT count(*) AS members, sum(w.version)::text AS versions
FROM family f
JOIN workflows w ON w.namespace = $1 AND w.id = f.id AND w.keep IS DISTINCT FROM -1;

-- name: workflows_counts_of
-- `workflows_counts` of several at once.
SELECT workflow, state, count(*) AS tasks FROM tasks
WHERE namespace = $1 AND workflow = ANY ($2::uuid[])
GROUP BY workflow, state;
