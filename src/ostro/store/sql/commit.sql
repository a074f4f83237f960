-- name: commit_batch
-- The one guarded statement of a lane. It locks the workflows whose version and stamp are the expected ones (in
-- the order given, which is that of their keys; locked ones are left to the slow path), then the live jobs that
-- the batch consumes. A workflow passes if none of its jobs is missing and none of its idempotency keys taken.
-- Every write joins those that passed. Tasks are looked up by id and name, so that whichever index is taken is
-- the right one. $1 is the time, $2 when messages are due. Each set is one array of rows, of a type made for it:
-- the driver encodes those in half the time of a list for each column. Lists inside a row come as text joined with
-- U+001F, which no name holds.
WITH given AS (
    SELECT * FROM unnest($3::given_workflow[])
), jobs_given AS (
    SELECT * FROM unnest($4::given_job[]) AS c
), keys_given AS (
    SELECT * FROM unnest($5::given_answer[]) AS k
), taken AS (
    SELECT k.w FROM keys_given k JOIN answers a ON a.namespace = k.namespace AND a.key = k.key
), locked AS (
    SELECT g.w, g.namespace, g.id
    FROM given g
    CROSS JOIN LATERAL (
        SELECT 1 FROM workflows x
        WHERE x.namespace = g.namespace AND x.id = g.id AND x.version = g.version AND x.stamp = g.stamp
        FOR NO KEY UPDATE SKIP LOCKED
    ) AS held
    WHERE NOT g.is_born
), consumed AS (
    SELECT c.w, c.job
    FROM jobs_given c
    JOIN locked l ON l.w = c.w
    CROSS JOIN LATERAL (
        SELECT 1 FROM queue q
        WHERE q.namespace = l.namespace AND q.workflow = l.id AND q.job = c.job AND q.fence = c.fence
          AND q.revoked_at IS NULL AND (c.session IS NULL OR q.session = c.session)
        FOR UPDATE
    ) AS held
), missing AS (
    SELECT c.w FROM jobs_given c WHERE NOT EXISTS (SELECT FROM consumed d WHERE d.w = c.w AND d.job = c.job)
), born AS (
    INSERT INTO workflows (namespace, id, version, stamp, state, sealed, stopping, latched, error, deadline,
                           created_at, ended_at, keep)
    SELECT g.namespace, g.id, 1, g.new_stamp, g.state, g.sealed, g.stopping, string_to_array(g.latched, U&'\001F'),
           g.error, g.deadline, $1, g.ended_at, g.keep
    FROM given g
    WHERE g.is_born AND g.w NOT IN (SELECT w FROM taken)
    ON CONFLICT DO NOTHING
    RETURNING namespace, id
), passed AS (
    SELECT l.w, l.namespace, l.id FROM locked l
    WHERE l.w NOT IN (SELECT w FROM missing) AND l.w NOT IN (SELECT w FROM taken)
    UNION ALL
    SELECT g.w, g.namespace, g.id FROM born b JOIN given g ON g.namespace = b.namespace AND g.id = b.id
), written AS (
    UPDATE workflows x SET
        version = x.version + 1, stamp = g.new_stamp, state = g.state, sealed = g.sealed, stopping = g.stopping,
        latched = string_to_array(g.latched, U&'\001F'), error = g.error, deadline = g.deadline,
        ended_at = g.ended_at, keep = g.keep
    FROM given g JOIN passed p ON p.w = g.w
    WHERE NOT g.is_born AND x.namespace = g.namespace AND x.id = g.id
), logged AS (
    INSERT INTO changes (namespace, workflow, version, stamp, at, tasks, entries)
    SELECT p.namespace, p.id, g.version + 1, g.new_stamp, $1, string_to_array(g.touched, ',')::uuid[], g.entries
    FROM given g JOIN passed p ON p.w = g.w
), answered AS (
    INSERT INTO answers (namespace, key, request, status, body, until)
    SELECT k.namespace, k.key, k.request, k.status, k.body, k.until FROM keys_given k JOIN passed p ON p.w = k.w
), described AS (
    INSERT INTO workflow_specs (namespace, workflow, name, description, tags, done_when, output, parent_workflow,
                                parent_task, root_workflow, definition, definition_version, library)
    SELECT p.namespace, p.id, s.name, s.description, string_to_array(s.tags, U&'\001F'), s.done_when, s.output,
           s.parent_workflow, s.parent_task, s.root_workflow, s.definition, s.definition_version, s.library
    FROM unnest($6::given_workflow_spec[]) AS s
    JOIN passed p ON p.w = s.w
    ON CONFLICT (namespace, workflow) DO UPDATE SET
        name = excluded.name, description = excluded.description, tags = excluded.tags, output = excluded.output
), tasks_given AS (
    SELECT p.namespace, p.id AS workflow, t.*
    FROM unnest($7::given_task[]) AS t
    JOIN passed p ON p.w = t.w
), tasks_added AS (
    INSERT INTO tasks (namespace, workflow, id, name, tags, hash, state, reason, error, run, job, version, spawned,
                       weighs, required, spawned_by, created_at, started_at, ended_at, since, pass)
    SELECT t.namespace, t.workflow, t.task, t.name, string_to_array(t.tags, U&'\001F'), t.hash, t.state, t.reason,
           t.error, t.run, t.job, t.version, t.spawned, t.weighs, t.required, t.spawned_by, t.created_at,
           t.started_at, t.ended_at, t.since, t.pass
    FROM tasks_given t WHERE t.is_new
), tasks_changed AS (
    UPDATE tasks x SET
        tags = string_to_array(t.tags, U&'\001F'), hash = t.hash, state = t.state, reason = t.reason,
        error = t.error, run = t.run, job = t.job, version = t.version, spawned = t.spawned, weighs = t.weighs,
        required = t.required, started_at = t.started_at, ended_at = t.ended_at, since = t.since
    FROM tasks_given t
    WHERE NOT t.is_new AND x.namespace = t.namespace AND x.workflow = t.workflow AND x.id = t.task AND x.name = t.name
), specs_written AS (
    INSERT INTO task_specs (namespace, workflow, task, spec, input, input_stays)
    SELECT p.namespace, p.id, s.task, s.spec, s.input, s.input_stays
    FROM unnest($8::given_task_spec[]) AS s
    JOIN passed p ON p.w = s.w
    ON CONFLICT (namespace, workflow, task) DO UPDATE SET
        spec = excluded.spec, input = excluded.input, input_stays = excluded.input_stays
), removed_given AS (
    SELECT p.namespace, p.id AS workflow, d.task, d.name
    FROM unnest($9::given_removal[]) AS d JOIN passed p ON p.w = d.w
), tasks_removed AS (
    DELETE FROM tasks x USING removed_given d
    WHERE x.namespace = d.namespace AND x.workflow = d.workflow AND x.id = d.task AND x.name = d.name
), specs_removed AS (
    DELETE FROM task_specs x USING removed_given d
    WHERE x.namespace = d.namespace AND x.workflow = d.workflow AND x.task = d.task
), steps_removed AS (
    DELETE FROM steps x USING removed_given d
    WHERE x.namespace = d.namespace AND x.workflow = d.workflow AND x.task = d.task
), names_gone AS (
    INSERT INTO gone (namespace, workflow, name) SELECT namespace, workflow, name FROM removed_given
), tags_sealed AS (
    INSERT INTO sealed_tags (namespace, workflow, tag)
    SELECT p.namespace, p.id, s.tag FROM unnest($10::given_tag[]) AS s JOIN passed p ON p.w = s.w
), ended_given AS (
    SELECT p.namespace, p.id AS workflow, j.*
    FROM unnest($11::given_ended_job[]) AS j
    JOIN passed p ON p.w = j.w
), jobs_ended AS (
    INSERT INTO jobs (namespace, workflow, task, run, item, id, fence, state, error, worker, queued_at, claimed_at, ended_at)
    SELECT j.namespace, j.workflow, j.task, j.run, j.item, j.job, coalesce(j.fence, q.fence), j.state, j.error, q.worker,
           coalesce(q.queued_at, j.at), q.claimed_at, j.at
    FROM ended_given j
    LEFT JOIN queue q ON q.namespace = j.namespace AND q.workflow = j.workflow AND q.job = j.job
), results_kept AS (
    INSERT INTO results (namespace, workflow, task, run, item, body)
    SELECT j.namespace, j.workflow, j.task, j.run, j.item, j.result FROM ended_given j WHERE j.result IS NOT NULL
), results_dropped AS (
    -- Those of earlier commits: of this one none is given.
    DELETE FROM results x USING unnest($20::given_drop[]) AS d, passed p
    WHERE p.w = d.w AND x.namespace = p.namespace AND x.workflow = p.id AND x.task = d.task
), jobs_gone AS (
    DELETE FROM queue q USING jobs_given c JOIN passed p ON p.w = c.w
    WHERE NOT c.stays AND q.namespace = p.namespace AND q.workflow = p.id AND q.job = c.job
), revoked_given AS (
    -- Locked first, so that whether somebody holds it is known as it is now: a claim may commit meanwhile.
    SELECT p.w, held.namespace, held.workflow, held.job, held.session
    FROM unnest($12::given_revocation[]) AS r
    JOIN passed p ON p.w = r.w
    CROSS JOIN LATERAL (
        SELECT q.namespace, q.workflow, q.job, q.session FROM queue q
        WHERE q.namespace = p.namespace AND q.workflow = p.id AND q.job = r.job
        FOR UPDATE
    ) AS held
), revoked_unclaimed AS (
    DELETE FROM queue q USING revoked_given r
    WHERE q.namespace = r.namespace AND q.workflow = r.workflow AND q.job = r.job AND r.session IS NULL
), revoked AS (
    UPDATE queue q SET fence = q.fence + 1, revoked_at = $1, until = NULL
    FROM revoked_given r
    WHERE q.namespace = r.namespace AND q.workflow = r.workflow AND q.job = r.job AND r.session IS NOT NULL
    RETURNING r.w, q.session
), live AS (
    -- Sessions that jobs are handed to. One that is just ending is left out, and its job is queued like any other.
    SELECT w.namespace, w.session, w.name
    FROM unnest($17::given_hand[]) AS h
    JOIN workers w ON w.namespace = h.namespace AND w.session = h.session AND w.left_at IS NULL
    FOR KEY SHARE OF w SKIP LOCKED
), jobs_queued AS (
    INSERT INTO queue (namespace, workflow, job, task, run, item, queue, priority, position, timeout, safe_rerun,
                       hands_over, queued_at, fence, session, worker, claimed_at, until)
    SELECT p.namespace, p.id, q.job, q.task, q.run, q.item, q.queue, q.priority, q.position, q.timeout, q.safe_rerun,
           string_to_array(q.hands_over, U&'\001F'), $1, CASE WHEN l.session IS NULL THEN 0 ELSE 1 END, l.session,
           l.name, CASE WHEN l.session IS NOT NULL THEN $1 END,
           CASE WHEN l.session IS NOT NULL THEN $1 + q.timeout * interval '1 second' END
    FROM unnest($13::given_queued_job[]) AS q
    JOIN passed p ON p.w = q.w
    LEFT JOIN live l ON l.namespace = p.namespace AND l.session = q.session
), inputs_kept AS (
    INSERT INTO inputs (namespace, workflow, job, body)
    SELECT p.namespace, p.id, q.job, q.input
    FROM unnest($13::given_queued_job[]) AS q
    JOIN passed p ON p.w = q.w
    WHERE q.input IS NOT NULL
), flows_written AS (
    INSERT INTO flows (namespace, workflow, body)
    SELECT p.namespace, p.id, f.body FROM unnest($18::given_flow[]) AS f JOIN passed p ON p.w = f.w
    ON CONFLICT (namespace, workflow) DO UPDATE SET body = excluded.body
), steps_written AS (
    INSERT INTO steps (namespace, workflow, task, body)
    SELECT p.namespace, p.id, s.task, s.body FROM unnest($19::given_step[]) AS s JOIN passed p ON p.w = s.w
    ON CONFLICT (namespace, workflow, task) DO UPDATE SET body = excluded.body
), timers_given AS (
    SELECT p.namespace, p.id AS workflow, t.kind, t.task, t.due_at
    FROM unnest($14::given_timer[]) AS t
    JOIN passed p ON p.w = t.w
), timers_set AS (
    INSERT INTO timers (namespace, workflow, kind, task, due_at)
    SELECT namespace, workflow, kind, task, due_at FROM timers_given WHERE due_at IS NOT NULL
    ON CONFLICT (namespace, workflow, kind, task) DO UPDATE SET
        due_at = excluded.due_at, attempts = 0, problem = NULL, parked = false
), timers_gone AS (
    DELETE FROM timers x USING timers_given t
    WHERE t.due_at IS NULL AND x.namespace = t.namespace AND x.workflow = t.workflow AND x.kind = t.kind
      AND x.task = t.task
), messages_sent AS (
    -- To the workflow itself, followed up by who sent it, or kept for whoever reads it anew; or to another one,
    -- where it waits until that took it.
    INSERT INTO messages (namespace, workflow, id, kind, body, due_at)
    SELECT p.namespace, coalesce(m.recipient, p.id), m.id, m.kind, coalesce(m.body, ''),
           CASE WHEN m.kind IN ('fall', 'signal', 'wait') THEN 'infinity' WHEN m.recipient IS NULL THEN $2 ELSE $1 END
    FROM unnest($15::given_message[]) AS m
    JOIN passed p ON p.w = m.w
), messages_done AS (
    DELETE FROM messages x USING unnest($16::given_done[]) AS m, passed p
    WHERE p.w = m.w AND x.namespace = p.namespace AND x.workflow = p.id AND x.id = m.id
)
SELECT w, NULL::uuid AS session FROM passed
UNION ALL
SELECT w, session FROM revoked
UNION ALL
SELECT NULL, session FROM live;

-- name: commit_lock
-- The slow path waits for one workflow in PostgreSQL's own queue, which is the fairest there is.
SELECT version, stamp FROM workflows WHERE namespace = $1 AND id = $2 FOR NO KEY UPDATE;

-- name: commit_jobs
-- Which of these live jobs a result may still be given for, in this session's hands if one is named.
SELECT q.job, q.fence, q.session
FROM unnest($3::uuid[]) AS wanted (job)
JOIN queue q ON q.namespace = $1 AND q.workflow = $2 AND q.job = wanted.job
WHERE q.revoked_at IS NULL;

-- name: commit_job_ended
-- Whether a result was accepted before: the same (job, fence) again gets the same answer.
SELECT fence, state FROM jobs WHERE namespace = $1 AND id = $2 AND workflow = $3;

-- name: commit_delete
-- An ended workflow with all that belongs to it. The caller holds its lock.
WITH w AS (
    DELETE FROM workflows WHERE namespace = $1 AND id = $2
), s AS (
    DELETE FROM workflow_specs WHERE namespace = $1 AND workflow = $2
), t AS (
    DELETE FROM tasks WHERE namespace = $1 AND workflow = $2
), ts AS (
    DELETE FROM task_specs WHERE namespace = $1 AND workflow = $2
), g AS (
    DELETE FROM gone WHERE namespace = $1 AND workflow = $2
), st AS (
    DELETE FROM sealed_tags WHERE namespace = $1 AND workflow = $2
), q AS (
    DELETE FROM queue WHERE namespace = $1 AND workflow = $2
), j AS (
    DELETE FROM jobs WHERE namespace = $1 AND workflow = $2
), r AS (
    DELETE FROM results WHERE namespace = $1 AND workflow = $2
), l AS (
    DELETE FROM logs WHERE namespace = $1 AND workflow = $2
), c AS (
    DELETE FROM changes WHERE namespace = $1 AND workflow = $2
), f AS (
    DELETE FROM flows WHERE namespace = $1 AND workflow = $2
), sp AS (
    DELETE FROM steps WHERE namespace = $1 AND workflow = $2
), i AS (
    DELETE FROM inputs WHERE namespace = $1 AND workflow = $2
), tm AS (
    DELETE FROM timers WHERE namespace = $1 AND workflow = $2
)
DELETE FROM messages WHERE namespace = $1 AND workflow = $2;

-- name: commit_key_taken
-- Whether a request was answered under this idempotency key.
SELECT true FROM answers WHERE namespace = $1 AND key = $2;

-- name: commit_is_running
-- Read under the lock: only ended workflows are deleted.
SELECT ended_at IS NULL FROM workflows WHERE namespace = $1 AND id = $2;
