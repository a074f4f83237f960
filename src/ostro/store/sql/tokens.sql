-- name: tokens_get
-- By its id, whatever its namespace: the token says whose it is.
SELECT id, namespace, kind, secret, label, binding, grants, pool, uses_left, parent, created_at, expires_at, revoked_at
FROM tokens WHERE id = $1;

-- name: tokens_list
-- By id, page by page.
SELECT id, namespace, kind, ''::bytea AS secret, label, binding, grants, pool, uses_left, parent, created_at,
       expires_at, revoked_at
FROM tokens
WHERE namespace = $1 AND ($2::text IS NULL OR id > $2) AND ($3::text IS NULL OR kind = $3)
  AND ($4 OR (revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $6)))
ORDER BY id
LIMIT $5;

-- name: tokens_insert
-- A new token; the secret is a hash already.
INSERT INTO tokens (id, namespace, kind, secret, label, binding, grants, pool, uses_left, parent, created_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12);

-- name: tokens_revoke
-- The first time counts.
UPDATE tokens SET revoked_at = coalesce(revoked_at, $3) WHERE namespace = $1 AND id = $2
RETURNING kind, label;

-- name: tokens_use
-- One use less, in one step: of many at once only as many get through as there are uses.
UPDATE tokens SET uses_left = uses_left - 1, used_at = $2
WHERE id = $1 AND kind = 'join' AND uses_left > 0 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2)
RETURNING uses_left;

-- name: tokens_lock_names
-- Who joins a namespace does so one after the other, so that no two get one name.
SELECT id FROM namespaces WHERE id = $1 FOR UPDATE;

-- name: tokens_live_bindings
-- What the live worker tokens are bound to, to find one that holds a name already.
SELECT id, label, binding, parent FROM tokens
WHERE namespace = $1 AND kind = 'worker' AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2);

-- name: tokens_let_go_expired
-- An expired token holds its name no more; it is revoked so that the index of live names agrees.
UPDATE tokens SET revoked_at = $2
WHERE namespace = $1 AND kind = 'worker' AND revoked_at IS NULL AND expires_at <= $2;

-- name: tokens_keys
-- The newest signs, all verify.
SELECT id, secret FROM signing_keys ORDER BY id DESC;

-- name: tokens_first_key
-- Of servers that start at once, one makes it.
INSERT INTO signing_keys (id, secret, made_at) VALUES (1, $1, $2) ON CONFLICT (id) DO NOTHING;
