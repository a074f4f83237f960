-- name: answers_get
-- What was answered under a key that still counts.
SELECT request, status, body FROM answers WHERE namespace = $1 AND key = $2 AND until > $3;
