// All queues: whose turn it is, how many attempts are in flight, what is to be read.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <unordered_map>
#include <vector>

#include "event/delivery_queue.hpp"

namespace pombo {

struct Attempt {
  QueueKey to = {};
  PendingDelivery delivery = {};  // its attempts: with this one
};

// Queues take turns, an attempt each. Those whose last attempt failed share a quarter of what may
// be in flight and cannot take more: ten thousand dead endpoints hold up no live one.
class Lanes {
 public:
  Lanes(const PipelineLimits& limits, Random& random) : limits_(limits), random_(random) {}

  // Blocks that deliver now; queues of others wait. Before restore().
  void serve(const std::string& block, QueueRules rules) { rules_[block] = std::move(rules); }
  void restore(const std::vector<QueueStanding>&);

  DeliveryQueue* find(std::int64_t queue);
  DeliveryQueue* find(const QueueKey&);
  DeliveryQueue& add(const QueueName&);
  void forget(const InstanceId&);
  // After anything was said to a queue.
  void touch(DeliveryQueue&, Millis now);

  void start(Millis now, std::vector<Attempt>& into);
  // Nothing: of a queue that is gone.
  std::optional<Settlement> answered(std::int64_t delivery, const AttemptResult&, Millis now);

  void read(std::vector<Load>& into);
  std::vector<Settlement> loaded(const Load&, const std::vector<PendingDelivery>&, Millis now);
  void loadFailed(const Load&, Millis retryAt);

  Millis wakeAt() const { return timers_.empty() ? kNever : timers_.begin()->first; }

 private:
  struct Lane {
    Lane(const QueueStanding& standing, bool stored, const PipelineLimits& limits)
        : queue(standing, stored, limits) {}
    DeliveryQueue queue;
    bool waitsForTurn[2] = {false, false};  // among the healthy, and among the failing
    bool waitsForRead = false;
    Millis timer = kNever, readAfter = 0;
  };
  struct Flight {
    std::int64_t queue = 0;
    bool failing = false;  // whose share it is in
  };
  using Turns = std::deque<std::int64_t>;

  Lane& lane(std::int64_t queue) { return *lanes_.at(queue); }
  Lane& add(const QueueStanding&, bool stored);
  void startOf(Turns&, bool failing, int most, Millis now, std::vector<Attempt>& into);
  void setTimer(Lane&, Millis);

  const PipelineLimits& limits_;
  Random& random_;
  std::map<std::string, QueueRules> rules_;
  std::unordered_map<std::int64_t, std::unique_ptr<Lane>> lanes_;
  std::map<QueueKey, std::int64_t> byKey_;
  Turns healthy_, failing_, toRead_;
  std::set<std::pair<Millis, std::int64_t>> timers_;
  std::unordered_map<std::int64_t, Flight> flights_;  // by delivery
  int inFlight_[2] = {0, 0};                          // of healthy and of failing queues
  std::size_t reading_ = 0;
};

}  // namespace pombo
