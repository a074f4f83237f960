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
