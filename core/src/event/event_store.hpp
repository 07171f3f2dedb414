// What of events survives a crash.
#pragma once

#include <vector>

#include "event/record.hpp"

namespace pombo {

// Whatever throws has done nothing, or it is not known whether it has. Thread-safe.
class EventStore {
 public:
  virtual ~EventStore() = default;

  // Durable when it returns. Those that were accepted now: a message that was seen before is not.
  // Ids and times are there already.
  virtual std::vector<AcceptedEvent> accept(const std::vector<Event>&, Millis now) = 0;
  // Durable when it returns. The same once more changes nothing and says the same.
  virtual NoEffect write(const Write&) = 0;

  virtual std::vector<PendingDelivery> load(const Load&) = 0;
  // The first that are not routed, in order.
  virtual std::vector<AcceptedEvent> unrouted(std::size_t limit) = 0;
  // At the start, before anything else. Ids from here on are new ones.
  virtual StoredQueues restore(Millis now) = 0;
};

}  // namespace pombo
