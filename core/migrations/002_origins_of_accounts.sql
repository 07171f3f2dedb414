-- The origins of pages that may call with an account's tokens, in the order they were given.
CREATE TABLE account_origin (
  account_id TEXT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
  origin TEXT NOT NULL,  -- as browsers send it, or '*'
  place BIGINT NOT NULL,
  PRIMARY KEY (account_id, origin)
) {clustered};

-- A preflight names the origin, and no account.
CREATE INDEX account_origin_of_any ON account_origin (origin);
