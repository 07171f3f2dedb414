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

// Queues take turns, an attempt each, and each block has a share of its own. Those whose last
// attempt failed share a quarter of what may be in flight and cannot take more: ten thousand dead
// endpoints hold up no live one.
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
  using Turns = std::deque<std::int64_t>;
  // Of one block: what hangs in it takes nothing from the others.
  struct Share {
    Turns turns[2] = {};  // of healthy and of failing queues
    int inFlight[2] = {0, 0};
  };
  struct Lane {
    Lane(Share& of, const QueueStanding& standing, bool stored, const PipelineLimits& limits)
        : share(of), queue(standing, stored, limits) {}
    Share& share;
    DeliveryQueue queue;
    bool waitsForTurn[2] = {false, false};  // among the healthy, and among the failing
    bool waitsForRead = false;
    Millis timer = kNever, readAfter = 0;
  };
  struct Flight {
    std::int64_t queue = 0;
    Share* share = nullptr;
    bool failing = false;  // which side of it
  };

  Lane& lane(std::int64_t queue) { return *lanes_.at(queue); }
  Lane& add(const QueueStanding&, bool stored);
  void startOf(Share&, bool failing, int most, Millis now, std::vector<Attempt>& into);
  void setTimer(Lane&, Millis);

  const PipelineLimits& limits_;
  Random& random_;
  std::map<std::string, QueueRules> rules_;
  std::map<std::string, Share> shares_;  // by block
  std::unordered_map<std::int64_t, std::unique_ptr<Lane>> lanes_;
  std::map<QueueKey, std::int64_t> byKey_;
  Turns toRead_;
  std::set<std::pair<Millis, std::int64_t>> timers_;
  std::unordered_map<std::int64_t, Flight> flights_;  // by delivery
  std::size_t reading_ = 0;
};

}  // namespace pombo
