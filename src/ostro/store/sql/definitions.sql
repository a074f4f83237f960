-- name: definitions_lock
-- The rows of these names, made where there are none (version 0, which nobody else sees), locked in their order: of two
-- uploads of a name the second one waits and sees what the first one wrote. What is deleted counts as not there.
INSERT INTO definitions AS d (namespace, id, kind, name, created_at, updated_at)
SELECT $1, g.id, g.kind, g.name, $5, $5
FROM unnest($2::uuid[], $3::text[], $4::text[]) AS g (id, kind, name)
ORDER BY g.name, g.kind
ON CONFLICT (namespace, name, kind) DO UPDATE SET updated_at = d.updated_at
RETURNING d.id, d.kind, d.name, d.version, d.library, d.deleted_at IS NULL AND d.version > 0 AS lives;

-- name: definitions_write
-- The next version of each.
WITH given AS (
    SELECT * FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[])
        AS g (id, library, workbook, description, tags, workflows, actions)
), written AS (
    UPDATE definitions d SET
        version = d.version + 1, library = g.library, workbook = g.workbook, description = g.description,
        tags = string_to_array(g.tags, U&'\001F'), workflows = string_to_array(g.workflows, U&'\001F'),
        actions = string_to_array(g.actions, U&'\001F'), updated_at = $9, updated_by = $10, deleted_at = NULL,
        created_at = CASE WHEN d.deleted_at IS NULL THEN d.created_at ELSE $9 END
    FROM given g
    WHERE d.namespace = $1 AND d.id = g.id
    RETURNING d.id, d.version, g.library
)
INSERT INTO definition_versions (namespace, definition, version, library, created_at, created_by)
SELECT $1, id, version, library, $9, $10 FROM written;

-- name: definitions_label
-- All of their labels anew.
UPDATE definitions SET labels = $3::jsonb WHERE namespace = $1 AND id = ANY ($2::uuid[]);

-- name: definitions_find
-- Those of these names, with their newest version.
SELECT d.id, d.kind, d.name, d.version, d.workbook, d.description, d.tags, d.labels::text AS labels, d.created_at, d.updated_at,
       d.updated_by, d.library
FROM definitions d
WHERE d.namespace = $1 AND d.name = ANY ($2::text[]) AND ($3::text IS NULL OR d.kind = $3) AND d.deleted_at IS NULL
ORDER BY d.name, d.kind;

-- name: definitions_hold
-- One, locked until the transaction ends.
SELECT d.id, d.version, d.labels::text AS labels FROM definitions d
WHERE d.namespace = $1 AND d.name = $2 AND d.kind = $3 AND d.deleted_at IS NULL
FOR UPDATE;

-- name: definitions_list
-- By name, page by page.
SELECT d.id, d.kind, d.name, d.version, d.workbook, d.description, d.tags, d.labels::text AS labels, d.created_at, d.updated_at,
       d.updated_by, d.library
FROM definitions d
WHERE d.namespace = $1 AND d.deleted_at IS NULL AND (d.name, d.kind) > ($2::text, $3::text)
  AND ($4::text IS NULL OR d.kind = $4)
  AND ($5::text IS NULL OR (d.name >= $5 AND starts_with(d.name, $5)))
  AND ($6::text IS NULL OR (d.labels ? $6 AND ($7::text IS NULL OR d.labels ->> $6 = $7)))
ORDER BY d.name, d.kind
LIMIT $8;

-- name: definitions_version
-- One version of one definition.
SELECT v.version, v.library, v.created_at, v.created_by FROM definition_versions v
WHERE v.namespace = $1 AND v.definition = $2 AND v.version = $3;

-- name: definitions_versions
-- The newest first, those before $3.
SELECT v.version, v.library, v.created_at, v.created_by FROM definition_versions v
WHERE v.namespace = $1 AND v.definition = $2 AND ($3::integer IS NULL OR v.version < $3)
ORDER BY v.version DESC
LIMIT $4;

-- name: definitions_running
-- Workflows that have not ended and were made from a definition: who might be surprised if it went.
SELECT s.workflow, s.name
FROM workflow_specs s
JOIN workflows w ON w.namespace = s.namespace AND w.id = s.workflow
WHERE s.namespace = $1 AND s.definition = $2 AND w.ended_at IS NULL
ORDER BY s.workflow DESC
LIMIT $3;

-- name: definitions_naming
-- Definitions that name another one ($3) without holding it.
SELECT d.name FROM definitions d
WHERE d.namespace = $1 AND d.deleted_at IS NULL AND d.id <> $2
  AND $3 = ANY (CASE WHEN $4 = 'workflow' THEN d.workflows ELSE d.actions END)
ORDER BY d.name
LIMIT $5;

-- name: definitions_delete
-- The versions go, the row stays: workflows that were made from it tell its name, and its versions go on counting.
WITH gone AS (
    DELETE FROM definition_versions WHERE namespace = $1 AND definition = $2
)
UPDATE definitions SET deleted_at = $3, labels = '{}', workflows = '{}', actions = '{}'
WHERE namespace = $1 AND id = $2;

-- name: definitions_prune
-- Deleted before an instant, and no workflow that is kept was made from it: its name may be forgotten.
DELETE FROM definitions d
USING (
    SELECT o.namespace, o.id FROM definitions o
    WHERE o.namespace = ANY ($1::integer[]) AND o.deleted_at < $2
      AND NOT EXISTS (SELECT FROM workflow_specs s WHERE s.namespace = o.namespace AND s.definition = o.id)
    ORDER BY o.deleted_at
    LIMIT $3
    FOR UPDATE OF o SKIP LOCKED
) AS old
WHERE d.namespace = old.namespace AND d.id = old.id;
