// What of events survives a crash.
#pragma once

#include <string>
#include <vector>

#include "event/record.hpp"

namespace pombo {

struct Acceptance {
  std::vector<std::string> ids = {};  // of all, in order: of a message seen before the first one's
  std::vector<AcceptedEvent> accepted = {};  // the others, in order
  bool operator==(const Acceptance&) const = default;
};

// Whatever throws has done nothing, or it is not known whether it has. Thread-safe.
class EventStore {
 public:
  virtual ~EventStore() = default;

  // Durable when it returns. A message that was seen before is not accepted again. Ids and times
  // are there already.
  virtual Acceptance accept(const std::vector<Event>&, Millis now) = 0;
  // Durable when it returns. The same once more changes nothing and says the same.
  virtual NoEffect write(const Write&) = 0;

  virtual std::vector<PendingDelivery> load(const Load&) = 0;
  // The first that are not routed, in order.
  virtual std::vector<AcceptedEvent> unrouted(std::size_t limit) = 0;
  // At the start, before anything else. Ids from here on are new ones.
  virtual StoredQueues restore(Millis now) = 0;
};

}  // namespace pombo
