// The store of events in memory: what is in it was committed, and outlives a crash.
#pragma once

#include <map>
#include <set>
#include <tuple>

#include "event/event_store.hpp"

namespace pombo {

class SimulatedStore final : public EventStore {
 public:
  struct EventRow {
    Event event;
    std::int64_t bytes = 0, routed = 0;
  };
  struct Delivery {
    std::int64_t queue = 0;
    PendingDelivery row;
    DeliveryStatus status = DeliveryStatus::pending;
    std::string reason;
  };
  struct Queue {
    QueueKey key;
    int failures = 0;
    std::int64_t buried = 0;
    std::string burial = {};
  };

  Acceptance accept(const std::vector<Event>&, Millis now) override;
  NoEffect write(const Write&) override;
  std::vector<PendingDelivery> load(const Load&) override;
  std::vector<AcceptedEvent> unrouted(std::size_t limit) override;
  StoredQueues restore(Millis now) override;

  // A delivery that is not there yet.
  void put(std::int64_t id, Delivery);

  std::map<std::int64_t, EventRow> events;
  std::map<std::int64_t, Delivery> deliveries;  // changed by the store alone
  std::map<std::int64_t, Queue> queues;

 private:
  bool route(const Routing&);
  bool again(const NewDelivery&);
  QueueSize sizeOf(std::int64_t queue) const;

  std::map<std::tuple<std::string, std::string, std::string>, std::string> seen_;  // their events
  std::map<std::int64_t, std::set<std::int64_t>> pending_;                         // by queue
  std::int64_t lastSeq_ = 0;
};

}  // namespace pombo
