-- Events between their acceptance and their last delivery, and what became of each delivery.
-- Times are milliseconds on the timeline of the deliveries, except event.at.
CREATE TABLE event (
  seq BIGINT PRIMARY KEY,  -- order of acceptance
  id TEXT NOT NULL,        -- what receivers see
  instance_id TEXT NOT NULL,
  type TEXT NOT NULL,
  chat TEXT NOT NULL,
  at BIGINT NOT NULL,      -- by the wall clock, as receivers see it
  data TEXT NOT NULL,      -- JSON, after its enrichment; never the envelope with its token
  media_key TEXT NOT NULL,
  routed BIGINT NOT NULL   -- 0, or the token of the routing that wrote its deliveries
);
CREATE INDEX event_unrouted ON event (seq) WHERE routed = 0;
CREATE INDEX event_of_instance ON event (instance_id);

-- Messages that were accepted already: the phone and its link repeat themselves.
CREATE TABLE event_seen (
  instance_id TEXT NOT NULL,
  chat TEXT NOT NULL,
  message TEXT NOT NULL,
  kind TEXT NOT NULL,
  at BIGINT NOT NULL,
  event TEXT NOT NULL,  -- the id of the first
  PRIMARY KEY (instance_id, chat, message, kind)
) {clustered};
CREATE INDEX event_seen_at ON event_seen (at);

-- A queue for each (instance, block, destination), with what a start has to know of it.
CREATE TABLE delivery_queue (
  id BIGINT PRIMARY KEY,
  instance_id TEXT NOT NULL,
  block TEXT NOT NULL,
  destination TEXT NOT NULL,
  pending BIGINT NOT NULL,
  bytes BIGINT NOT NULL,     -- of what is pending
  dead BIGINT NOT NULL,
  failures BIGINT NOT NULL,  -- in a row, up to what opens the breaker
  buried BIGINT NOT NULL,    -- what has a place up to this one is not delivered any more
  burial TEXT NOT NULL,      -- why
  UNIQUE (instance_id, block, destination)
);

CREATE TABLE delivery (
  id BIGINT PRIMARY KEY,
  queue BIGINT NOT NULL,
  event BIGINT NOT NULL,    -- its seq
  place BIGINT NOT NULL,    -- order of first attempts; another one when it is delivered again
  status BIGINT NOT NULL,   -- 0 pending, 1 delivered, 2 dead
  attempts BIGINT NOT NULL,
  next_at BIGINT NOT NULL,  -- of the next attempt, when it is not the first
  bytes BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  attempted_at BIGINT,
  settled_at BIGINT,
  http_status BIGINT NOT NULL,  -- of the last attempt; 0: no answer
  error TEXT NOT NULL,          -- of the last attempt
  reason TEXT NOT NULL          -- why it is dead
) {clustered};
CREATE INDEX delivery_first ON delivery (queue, place, id) WHERE status = 0 AND attempts = 0;
CREATE INDEX delivery_retry ON delivery (queue, next_at, id) WHERE status = 0 AND attempts > 0;
CREATE INDEX delivery_oldest ON delivery (queue, place, id) WHERE status = 0 AND attempts > 0;
CREATE INDEX delivery_settled ON delivery (status, settled_at) WHERE status <> 0;
CREATE INDEX delivery_newest ON delivery (queue, id);
CREATE INDEX delivery_dead ON delivery (queue, id) WHERE status = 2;
CREATE INDEX delivery_of_event ON delivery (event);

-- Where the timeline was when it was last looked at.
CREATE TABLE event_clock (
  one BIGINT PRIMARY KEY,
  time BIGINT NOT NULL,
  since_boot BIGINT NOT NULL,
  boot TEXT NOT NULL
);
