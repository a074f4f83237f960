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

-- name: queue_claim
-- One indexed look per queue, with the lock inside: never a sort of the whole queue, and whoever else claims is
-- passed by. Each group of sessions ($5 to $9: its free slots, numbered) is offered its queues ($1 to $4); the
-- best of what they gave get the slots. KEY SHARE on the workers keeps a session from ending in between; renewals
-- do not wait for it. Party and number are one key: the planner joins by the first column of two alone.
-- The task and its specification are looked up as the next row in the order of their keys. Looked up by equality,
-- or with the workflow's equality beside, the planner without statistics takes any index that begins with the
-- workflow for as good, sort and all, and reads the whole workflow for each job: seen with 0.67 s a claim.
WITH slots AS (
    SELECT s.party * 1000000::bigint + s.number AS slot, w.session, w.name
    FROM unnest($5::integer[], $6::integer[], $7::integer[], $8::uuid[]) AS s (party, number, namespace, session)
    JOIN workers w ON w.namespace = s.namespace AND w.session = s.session AND w.left_at IS NULL
    ORDER BY w.namespace, w.name
    FOR KEY SHARE OF w
), offered AS (
    SELECT * FROM unnest($1::integer[], $2::bigint[], $3::integer[], $4::integer[]) AS o (namespace, queue, party, most)
), picked AS (
    SELECT o.party, o.queue, one.namespace, one.workflow, one.job, one.priority, one.position
    FROM offered o
    CROSS JOIN LATERAL (
        SELECT q.namespace, q.workflow, q.job, q.priority, q.position
        FROM queue q
        WHERE q.namespace = o.namespace AND q.queue = o.queue AND q.session IS NULL AND q.revoked_at IS NULL
        ORDER BY q.priority DESC, q.position
        LIMIT o.most
        FOR UPDATE SKIP LOCKED
    ) AS one
), more AS (
    -- Whose slots did not suffice: more were picked, or a queue goes on behind what was picked of it.
    SELECT p.party
    FROM (SELECT party, queue, count(*) AS found FROM picked GROUP BY party, queue) AS p
    JOIN offered o ON o.party = p.party AND o.queue = p.queue
    GROUP BY p.party
    HAVING sum(p.found) > max(o.most) OR bool_or(p.found >= o.most AND EXISTS (
        SELECT 1 FROM queue q
        WHERE q.namespace = o.namespace AND q.queue = o.queue AND q.session IS NULL AND q.revoked_at IS NULL
        ORDER BY q.priority DESC, q.position
        OFFSET o.most LIMIT 1
    ))
), best AS (
    SELECT p.party, p.namespace, p.workflow, p.job,
        p.party * 1000000::bigint
            + row_number() OVER (PARTITION BY p.party ORDER BY p.priority DESC, p.position) AS slot
    FROM picked p
), claimed AS (
    UPDATE queue q
    SET session = s.session, worker = s.name, fence = q.fence + 1, claimed_at = $9::timestamptz,
        until = $9::timestamptz + q.timeout * interval '1 second'
    FROM best b JOIN slots s ON s.slot = b.slot
    WHERE q.namespace = b.namespace AND q.workflow = b.workflow AND q.job = b.job
    RETURNING b.party, q.namespace, q.workflow, q.job, q.task, q.run, q.queue, q.priority, q.position, q.fence,
        q.session, q.timeout, q.until, q.hands_over
)
SELECT c.namespace, c.workflow, c.job, c.task, c.run, c.fence, c.session, c.timeout, c.until, c.hands_over,
    c.queue, c.priority, c.position, d.action, t.name,
    CASE WHEN i.input = '' THEN coalesce((
        SELECT n.body FROM inputs n WHERE n.namespace = c.namespace AND n.workflow = c.workflow AND n.job = c.job
    ), i.input) ELSE i.input END AS input, c.party IN (SELECT party FROM more) AS more
FROM claimed c
LEFT JOIN queues d ON d.namespace = c.namespace AND d.id = c.queue
LEFT JOIN LATERAL (
    SELECT l.id, l.name FROM tasks l
    WHERE (l.namespace, l.workflow, l.id) >= (c.namespace, c.workflow, c.task)
    ORDER BY l.namespace, l.workflow, l.id LIMIT 1
) AS t ON t.id = c.task
LEFT JOIN LATERAL (
    SELECT y.task, y.input FROM task_specs y
    WHERE (y.namespace, y.workflow, y.task) >= (c.namespace, c.workflow, c.task)
    ORDER BY y.namespace, y.workflow, y.task LIMIT 1
) AS i ON i.task = c.task
ORDER BY c.priority DESC, c.position;

-- name: queue_granted
-- What was granted and did not arrive is handed out again, as it stands: same fence. (The task as in queue_claim.)
SELECT q.namespace, q.workflow, q.job, q.task, q.run, q.fence, q.session, q.timeout, q.until, q.hands_over,
    q.queue, q.priority, q.position, d.action, t.name,
    CASE WHEN i.input = '' THEN coalesce((
        SELECT n.body FROM inputs n WHERE n.namespace = q.namespace AND n.workflow = q.workflow AND n.job = q.job
    ), i.input) ELSE i.input END AS input
FROM unnest($2::uuid[], $3::uuid[], $4::integer[]) AS w (workflow, job, fence)
JOIN queue q ON q.namespace = $1 AND q.workflow = w.workflow AND q.job = w.job AND q.fence = w.fence
LEFT JOIN queues d ON d.namespace = q.namespace AND d.id = q.queue
LEFT JOIN LATERAL (
    SELECT l.id, l.name FROM tasks l
    WHERE (l.namespace, l.workflow, l.id) >= (q.namespace, q.workflow, q.task)
    ORDER BY l.namespace, l.workflow, l.id LIMIT 1
) AS t ON t.id = q.task
LEFT JOIN LATERAL (
    SELECT y.task, y.input FROM task_specs y
    WHERE (y.namespace, y.workflow, y.task) >= (q.namespace, q.workflow, q.task)
    ORDER BY y.namespace, y.workflow, y.task LIMIT 1
) AS i ON i.task = q.task
WHERE q.session = $5 AND q.revoked_at IS NULL;

-- name: queue_handed_over
-- The results of required tasks, by name: of the run that ended them. A task without a result is not among them.
-- In the order of the index by name, for the reason given at queue_claim.
SELECT w.workflow, w.name, r.body
FROM unnest($1::integer[], $2::uuid[], $3::text[]) AS w (namespace, workflow, name)
JOIN LATERAL (
    SELECT l.namespace, l.workflow, l.id, l.run, l.name FROM tasks l
    WHERE (l.namespace, l.workflow, l.name) >= (w.namespace, w.workflow, w.name)
    ORDER BY l.namespace, l.workflow, l.name, l.pass LIMIT 1
) AS t ON t.namespace = w.namespace AND t.workflow = w.workflow AND t.name = w.name
JOIN results r ON r.namespace = t.namespace AND r.workflow = t.workflow AND r.task = t.id AND r.run = t.run AND r.item = 0;

-- name: queue_held
-- What sessions hold, as the rows say; for sessions that were elsewhere before, or of which jobs were taken.
SELECT q.session, q.workflow, q.job, q.fence, q.revoked_at IS NOT NULL AS revoked
FROM unnest($1::integer[], $2::uuid[]) AS w (namespace, session)
JOIN queue q ON q.namespace = w.namespace AND q.session = w.session;

-- name: queue_stray
-- Sessions here whose rows say otherwise than this server believes: a job that they hold no longer, or one that
-- they were given by a commit whose answer was lost. One look for all sessions.
WITH believed AS (
    SELECT * FROM unnest($1::integer[], $2::uuid[], $3::uuid[], $4::integer[], $5::uuid[])
        AS w (namespace, workflow, job, fence, session)
)
SELECT b.session
FROM believed b
LEFT JOIN queue q ON q.namespace = b.namespace AND q.workflow = b.workflow AND q.job = b.job
WHERE q.fence IS DISTINCT FROM b.fence OR q.session IS DISTINCT FROM b.session
UNION
SELECT q.session
FROM unnest($6::integer[], $7::uuid[]) AS s (namespace, session)
JOIN queue q ON q.namespace = s.namespace AND q.session = s.session
LEFT JOIN believed b ON b.session = q.session AND b.job = q.job
WHERE q.revoked_at IS NULL AND b.job IS NULL;

-- name: queue_give_back
-- Leases whose grants never reached the worker, or whose worker is lost: claimable again. The fence stays until
-- the next claim; a result that comes before it is stale because the row has no session.
UPDATE queue q
SET session = NULL, worker = NULL, claimed_at = NULL, until = NULL
FROM (
    SELECT l.namespace, l.workflow, l.job
    FROM unnest($1::integer[], $2::uuid[], $3::uuid[], $4::integer[], $5::uuid[]) AS w (namespace, workflow, job, fence, session)
    JOIN queue l ON l.namespace = w.namespace AND l.workflow = w.workflow AND l.job = w.job
    WHERE l.fence = w.fence AND l.session = w.session AND l.revoked_at IS NULL
    ORDER BY l.namespace, l.workflow, l.job
    FOR UPDATE OF l
) AS mine
WHERE q.namespace = mine.namespace AND q.workflow = mine.workflow AND q.job = mine.job
RETURNING q.namespace, q.queue;

-- name: queue_go_on
-- Jobs whose end comes from outside from now on: in the queue that nobody claims from, in no session's hands, so no
-- lease ends them; what they may take in time stays. Said again, also once such a job has ended, the answer is the
-- same: the fence says that it is the same hand-out.
WITH asked AS (
    SELECT * FROM unnest($2::uuid[], $3::uuid[], $4::integer[]) AS a (workflow, job, fence)
), mine AS (
    SELECT q.namespace, q.workflow, q.job
    FROM asked a
    JOIN queue q ON q.namespace = $1 AND q.workflow = a.workflow AND q.job = a.job
    WHERE q.fence = a.fence AND q.session = $5 AND q.revoked_at IS NULL
    ORDER BY q.namespace, q.workflow, q.job
    FOR UPDATE OF q
), moved AS (
    UPDATE queue q SET queue = 0, session = NULL
    FROM mine m
    WHERE q.namespace = m.namespace AND q.workflow = m.workflow AND q.job = m.job
    RETURNING q.job
)
SELECT job FROM moved
UNION
SELECT q.job FROM asked a
JOIN queue q ON q.namespace = $1 AND q.workflow = a.workflow AND q.job = a.job
WHERE q.queue = 0 AND q.fence = a.fence
UNION
SELECT j.id FROM asked a JOIN jobs j ON j.namespace = $1 AND j.id = a.job AND j.fence = a.fence;

-- name: queue_stopped
-- The worker says that the processes of these cancelled jobs are gone.
DELETE FROM queue q
USING (
    SELECT l.namespace, l.workflow, l.job
    FROM unnest($2::uuid[], $3::uuid[]) AS w (workflow, job)
    JOIN queue l ON l.namespace = $1 AND l.workflow = w.workflow AND l.job = w.job
    WHERE l.session = $4 AND l.revoked_at IS NOT NULL
    ORDER BY l.namespace, l.workflow, l.job
    FOR UPDATE OF l
) AS mine
WHERE q.namespace = mine.namespace AND q.workflow = mine.workflow AND q.job = mine.job;

-- name: queue_take_over
-- A worker's new session keeps what it still runs. A job that was revoked meanwhile (its fence is one further)
-- moves too, so that the worker is told to stop it.
UPDATE queue q
SET session = $6, worker = $7
FROM (
    SELECT l.namespace, l.workflow, l.job
    FROM unnest($2::uuid[], $3::uuid[], $4::integer[]) AS w (workflow, job, fence)
    JOIN queue l ON l.namespace = $1 AND l.workflow = w.workflow AND l.job = w.job
    WHERE l.session = $5 AND l.fence = w.fence + (l.revoked_at IS NOT NULL)::integer
    ORDER BY l.namespace, l.workflow, l.job
    FOR UPDATE OF l
) AS mine
WHERE q.namespace = mine.namespace AND q.workflow = mine.workflow AND q.job = mine.job
RETURNING q.session, q.workflow, q.job, q.fence, q.revoked_at IS NOT NULL AS revoked;

-- name: queue_revoked
-- Which sessions are to be told to stop a job. Revoked rows are few and short-lived, so all are read.
SELECT q.namespace, q.session, q.job
FROM unnest($1::integer[]) AS n (namespace)
JOIN queue q ON q.namespace = n.namespace AND q.revoked_at IS NOT NULL;

-- name: queue_filled
-- The queues with claimable jobs, by leaping from one to the next in the claim index: it costs by the queues that
-- are not empty, whatever the number of jobs in them or of workers that wait. $2 is where to go on, $3 how many.
WITH RECURSIVE filled AS (
    SELECT n.namespace, first.queue, 1 AS number
    FROM unnest($1::integer[], $2::bigint[]) AS n (namespace, after)
    CROSS JOIN LATERAL (
        SELECT q.queue FROM queue q
        WHERE q.namespace = n.namespace AND q.queue > n.after AND q.session IS NULL AND q.revoked_at IS NULL
        ORDER BY q.queue LIMIT 1
    ) AS first
    UNION ALL
    SELECT f.namespace, next.queue, f.number + 1
    FROM filled f
    CROSS JOIN LATERAL (
        SELECT q.queue FROM queue q
        WHERE q.namespace = f.namespace AND q.queue > f.queue AND q.session IS NULL AND q.revoked_at IS NULL
        ORDER BY q.queue LIMIT 1
    ) AS next
    WHERE f.number < $3
)
SELECT namespace, queue FROM filled;

-- name: queue_drop_revoked
-- A session that is no more stops nothing and will never say so.
DELETE FROM queue q
USING (
    SELECT l.namespace, l.workflow, l.job
    FROM unnest($1::integer[], $2::uuid[], $3::uuid[], $4::uuid[]) AS w (namespace, workflow, job, session)
    JOIN queue l ON l.namespace = w.namespace AND l.workflow = w.workflow AND l.job = w.job
    WHERE l.session = w.session AND l.revoked_at IS NOT NULL
    ORDER BY l.namespace, l.workflow, l.job
    FOR UPDATE OF l
) AS mine
WHERE q.namespace = mine.namespace AND q.workflow = mine.workflow AND q.job = mine.job;

-- name: queue_lost
-- Leases of sessions that left, were replaced or expired: it reads the leased rows alone, and a renewal needs to
-- touch none of them. Rows whose end could not be decided three times are left to people, unless they were cancelled since.
SELECT q.namespace, q.workflow, q.job, q.fence, q.session, q.worker, q.safe_rerun, q.revoked_at IS NOT NULL AS revoked
FROM unnest($1::integer[]) AS n (namespace)
JOIN queue q ON q.namespace = n.namespace AND q.session IS NOT NULL AND (q.attempts < 3 OR q.revoked_at IS NOT NULL)
LEFT JOIN workers w ON w.namespace = q.namespace AND w.session = q.session AND w.left_at IS NULL AND w.expires_at >= $2
WHERE w.session IS NULL
LIMIT $3;

-- name: queue_overdue
-- Per namespace, for the index leads with it; the oldest first, so a burst leaves nobody behind.
SELECT one.namespace, one.workflow, one.job, one.fence
FROM unnest($1::integer[]) AS n (namespace)
CROSS JOIN LATERAL (
    SELECT q.namespace, q.workflow, q.job, q.fence
    FROM queue q
    WHERE q.namespace = n.namespace AND q.until < $2 AND q.until >= $3 AND q.revoked_at IS NULL
      AND (q.session IS NOT NULL OR q.queue = 0) AND q.attempts < 3
    ORDER BY q.until
    LIMIT $4
) AS one;

-- name: queue_failed
-- What cannot be decided is not tried for ever; the row says why. Whether this was the last time.
UPDATE queue SET attempts = attempts + 1, problem = $4 WHERE namespace = $1 AND workflow = $2 AND job = $3
RETURNING attempts >= 3;
