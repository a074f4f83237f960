-- name: jobs_ended
-- The ended runs of one task, the first one first.
SELECT id, workflow, task, run, item, fence, state, error, worker, queued_at, claimed_at, ended_at
FROM jobs WHERE namespace = $1 AND workflow = $2 AND task = $3
ORDER BY run, item;

-- name: jobs_ended_by_id
-- By the index of job ids.
SELECT id, workflow, task, run, item, fence, state, error, worker, queued_at, claimed_at, ended_at
FROM jobs WHERE namespace = $1 AND id = $2;

-- name: jobs_live
-- A live job by its key.
SELECT job, workflow, task, run, item, fence, session, worker, queue, priority, position, queued_at, claimed_at, revoked_at
FROM queue WHERE namespace = $1 AND workflow = $2 AND job = $3;

-- name: jobs_live_among
-- `jobs_live` of several at once.
SELECT q.job, q.workflow, q.task, q.run, q.item, q.fence, q.session, q.worker, q.queue, q.priority, q.position, q.queued_at,
       q.claimed_at, q.revoked_at
FROM unnest($2::uuid[], $3::uuid[]) AS g (workflow, job)
JOIN queue q ON q.namespace = $1 AND q.workflow = g.workflow AND q.job = g.job;

-- name: jobs_items_ended
-- Of several loops, how the last runs of their items ended, counted.
SELECT l.task, l.run, l.state, count(*) AS items
FROM (
    SELECT DISTINCT ON (j.task, j.item) j.task, j.run, j.state
    FROM unnest($2::uuid[], $3::uuid[]) AS g (workflow, task)
    JOIN jobs j ON j.namespace = $1 AND j.workflow = g.workflow AND j.task = g.task
    ORDER BY j.task, j.item, j.run DESC
) l
GROUP BY l.task, l.run, l.state;

-- name: jobs_live_by_id
-- Only live jobs are walked along, and the workflow is in the index: for people, not for a hot path.
SELECT job, workflow, task, run, item, fence, session, worker, queue, priority, position, queued_at, claimed_at, revoked_at
FROM queue WHERE namespace = $1 AND job = $2;

-- name: jobs_before
-- How many queued jobs of the same queue come first, counted no further than needed for a sentence.
SELECT count(*) FROM (
    SELECT 1 FROM queue
    WHERE namespace = $1 AND queue = $2 AND session IS NULL AND revoked_at IS NULL
      AND (priority > $3 OR (priority = $3 AND position < $4))
    LIMIT 1000
) AS first;

-- name: jobs_lease
-- Whether a job is in a worker's hands under this fence: while it is, its job token counts.
SELECT EXISTS (
    SELECT 1 FROM queue
    WHERE namespace = $1 AND workflow = $2 AND job = $3 AND fence = $4 AND session IS NOT NULL AND revoked_at IS NULL
);

-- name: jobs_live_of
-- The live jobs of one task: of a loop there may be many.
SELECT job, workflow, task, run, item, fence, session, worker, queue, priority, position, queued_at, claimed_at, revoked_at
FROM queue WHERE namespace = $1 AND workflow = $2 AND task = $3
ORDER BY run, item;

-- name: jobs_input
-- The input that was computed for one run.
SELECT body FROM inputs WHERE namespace = $1 AND workflow = $2 AND job = $3;
