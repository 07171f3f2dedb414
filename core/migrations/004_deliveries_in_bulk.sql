-- A start, a deletion and a page of the list cost the same however many deliveries there are.

-- The place that was given last in each queue: to look for it would be to look at every delivery.
ALTER TABLE delivery_queue ADD COLUMN newest BIGINT NOT NULL DEFAULT 0;
UPDATE delivery_queue SET newest =
  COALESCE((SELECT MAX(place) FROM delivery WHERE delivery.queue = delivery_queue.id), 0);

-- What is left of instances that are gone: removed by and by, and nobody's meanwhile.
CREATE TABLE event_erased (
  instance_id TEXT NOT NULL,
  queue BIGINT NOT NULL,  -- whose deliveries; 0: the events, and the messages that were seen
  PRIMARY KEY (instance_id, queue)
) {clustered};

-- They go some at a time, in this order.
DROP INDEX event_of_instance;
CREATE INDEX event_of_instance ON event (instance_id, seq);

-- Those of one status, newest first, without those of another in between.
DROP INDEX delivery_newest;
DROP INDEX delivery_dead;
CREATE INDEX delivery_newest ON delivery (queue, status, id);
