-- Accounts, their instances, what blocks keep of an instance, and the server's own secrets.
CREATE TABLE server (
  one BIGINT PRIMARY KEY,
  sealing_key TEXT NOT NULL,  -- id of the key that seals
  token_key TEXT NOT NULL     -- of the tokens' hashes; sealed
);

CREATE TABLE account (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  token_hash TEXT NOT NULL UNIQUE,
  old_token_hash TEXT UNIQUE,  -- still good until old_token_until, after a rotation
  old_token_until BIGINT,
  enabled BIGINT NOT NULL,
  quota BIGINT,  -- NULL: no limit
  instances BIGINT NOT NULL,
  create_limit BIGINT NOT NULL,
  general_limit BIGINT NOT NULL,
  created_at BIGINT NOT NULL  -- milliseconds since 1970, as all times here
);

CREATE TABLE instance (
  id TEXT PRIMARY KEY,
  account_id TEXT NOT NULL REFERENCES account (id),
  name TEXT NOT NULL,
  token_hash TEXT NOT NULL UNIQUE,
  token_sealed TEXT NOT NULL,
  connector TEXT NOT NULL,
  status TEXT NOT NULL,
  number_jid TEXT,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  UNIQUE (account_id, name)
) {clustered};

-- What one block keeps of one instance: a document, its secrets (sealed together), its failure.
CREATE TABLE block_row (
  instance_id TEXT NOT NULL REFERENCES instance (id),
  block TEXT NOT NULL,
  document TEXT,
  secrets TEXT,
  error TEXT,
  PRIMARY KEY (instance_id, block)
) {clustered};

-- Calls of the last minute, so that a restart hands out no fresh allowance.
CREATE TABLE rate_window (
  bucket TEXT PRIMARY KEY,
  calls TEXT NOT NULL,
  saved_at BIGINT NOT NULL
) {clustered};
