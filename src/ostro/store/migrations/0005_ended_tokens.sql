-- Tokens that no longer count, by when that began: they are forgotten after a time.
CREATE INDEX tokens_ended ON tokens (namespace, least(revoked_at, expires_at))
    WHERE revoked_at IS NOT NULL OR expires_at IS NOT NULL;
