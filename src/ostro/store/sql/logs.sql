-- name: logs_held
-- Which of these (workflow, job, fence) this session holds: only their logs are taken. A revoked job still writes
-- its last lines until its worker has stopped it.
SELECT w.workflow, w.job, w.fence
FROM unnest($3::uuid[], $4::uuid[], $5::integer[]) AS w (workflow, job, fence)
JOIN queue q ON q.namespace = $1 AND q.workflow = w.workflow AND q.job = w.job
WHERE q.session = $2 AND (q.fence = w.fence OR (q.revoked_at IS NOT NULL AND q.fence = w.fence + 1));

-- name: logs_append
-- The same chunk again changes nothing. Nor does one that begins before the end of what is there: chunks are never
-- cut anew, and overlapping ones could fill the disk below any limit.
INSERT INTO logs (namespace, workflow, job, fence, start, stream, at, body)
SELECT $1, c.workflow, c.job, c.fence, c.start, c.stream, $8, c.body
FROM unnest($2::uuid[], $3::uuid[], $4::integer[], $5::bigint[], $6::text[], $7::bytea[])
     AS c (workflow, job, fence, start, stream, body)
WHERE c.start >= coalesce((
    SELECT l.start + length(l.body) FROM logs l
    WHERE l.namespace = $1 AND l.workflow = c.workflow AND l.job = c.job AND l.fence = c.fence
    ORDER BY l.start DESC LIMIT 1
), 0)
ON CONFLICT (namespace, workflow, job, fence, start) DO NOTHING;

-- name: logs_fence
-- The last hand-out that wrote something.
SELECT max(fence) FROM logs WHERE namespace = $1 AND workflow = $2 AND job = $3;

-- name: logs_read
-- A stretch of one hand-out's log from the chunk that holds byte $5 on; `so_far` cuts it at about $6 bytes, but never
-- before the first chunk.
SELECT start, stream, at, body
FROM (
    SELECT start, stream, at, body, sum(length(body)) OVER (ORDER BY start) - length(body) AS before
    FROM logs
    WHERE namespace = $1 AND workflow = $2 AND job = $3 AND fence = $4
      AND start >= coalesce((
          SELECT max(start) FROM logs
          WHERE namespace = $1 AND workflow = $2 AND job = $3 AND fence = $4 AND start <= $5
      ), 0)
    ORDER BY start
    LIMIT 2000
) AS stretch
WHERE before < $6
ORDER BY start;
