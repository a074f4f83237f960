-- name: audit_write
-- Who did or tried what.
INSERT INTO audit (namespace, id, at, who, what, detail) VALUES ($1, $2, $3, $4, $5, $6);

-- name: audit_read
-- Newest first: ids are ordered by time.
SELECT id, at, who, what, detail FROM audit WHERE namespace = $1 ORDER BY id DESC LIMIT $2;
