-- A temporary ban ends by itself.
ALTER TABLE instance ADD COLUMN banned_until BIGINT;  -- of one that is banned, when it ends
CREATE INDEX instance_banned_until ON instance (banned_until) WHERE banned_until IS NOT NULL;
