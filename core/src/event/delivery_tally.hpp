// What became of deliveries, for metrics, the log and /health.
#pragma once

#include <map>
#include <mutex>
#include <set>

#include "event/record.hpp"
#include "observe/logger.hpp"
#include "observe/metrics.hpp"

namespace pombo {

// Follows what is in the store. Thread-safe.
class DeliveryTally {
 public:
  DeliveryTally(Log& log, Metrics& metrics, int breakerAfter)
      : log_(log), metrics_(metrics), breakerAfter_(breakerAfter) {}

  void restored(const StoredQueues&);
  // Its counters are shown from the start.
  void expect(const std::string& block) { count(block, {}); }
  void written(const Write&);
  void forget(const InstanceId&);

  // Destinations that have failed so often in a row that they get one attempt at a time, by block.
  std::map<std::string, int> breakersOpen() const;

 private:
  struct Queue {
    QueueKey key;
    bool open = false;  // the breaker
  };
  struct Counts {
    int delivered = 0, retried = 0, dead = 0, attempts = 0;
  };
  void count(const std::string& block, const Counts&);
  void failures(std::int64_t queue, int inARow);

  Log& log_;
  Metrics& metrics_;
  const int breakerAfter_;
  mutable std::mutex mutex_;  // guards queues_
  std::map<std::int64_t, Queue> queues_;
};

}  // namespace pombo
