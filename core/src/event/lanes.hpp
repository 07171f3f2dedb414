// All queues: whose turn it is, how many attempts are in flight, what is to be read.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <unordered_map>
#include <vector>

#include "event/delivery_queue.hpp"
#include "event/places.hpp"

namespace pombo {

struct Attempt {
  QueueKey to = {};
  PendingDelivery delivery = {};  // its attempts: with this one
  Pace pace = Pace::fresh;
};

// Queues take turns, an attempt each, among those of their block and their pace: ten thousand dead
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

  Millis wakeAt() const {
    const Millis late = aging_.empty() ? kNever : aging_.front().first + limits_.late;
    return timers_.empty() ? late : std::min(late, timers_.begin()->first);
  }

 private:
  using Turns = std::deque<std::int64_t>;
  // Of one block: what hangs in it takes nothing from the others.
  struct Share {
    explicit Share(int inFlight) : places(inFlight) {}
    Places places;
    std::array<Turns, kPaces.size()> turns = {};
    std::deque<std::int64_t> toLeave = {};  // deliveries that are late, and found no spare place
    Turns& turnsOf(Pace pace) { return turns[static_cast<std::size_t>(pace)]; }
  };
  struct Lane {
    Lane(Share& of, const QueueStanding& standing, bool stored, const PipelineLimits& limits)
        : share(of), queue(standing, stored, limits) {}
    Share& share;
    DeliveryQueue queue;
    std::array<bool, kPaces.size()> waits = {};  // for a turn among those of that pace
    bool waitsForRead = false;
    bool isTried = false;  // since the start
    bool wasLate = false;  // the last one that has ended
    int late = 0;          // of those in flight
    Millis timer = kNever, readAfter = 0;
  };
  struct Flight {
    std::int64_t queue = 0;
    Share* share = nullptr;
    Places::At place = Places::At::spare;
    Millis since = 0;
    bool isLate = false;
  };

  Lane& lane(std::int64_t queue) { return *lanes_.at(queue); }
  Lane& add(const QueueStanding&, bool stored);
  static Pace paceOf(const Lane&);
  static bool& waits(Lane& lane, Pace pace) { return lane.waits[static_cast<std::size_t>(pace)]; }
  void findLate(Millis now);
  void vacate(Share&);
  void startOf(Share&, Pace, Millis now, std::vector<Attempt>& into);
  void setTimer(Lane&, Millis);

  const PipelineLimits& limits_;
  Random& random_;
  std::map<std::string, QueueRules> rules_;
  std::map<std::string, Share> shares_;  // by block
  std::unordered_map<std::int64_t, std::unique_ptr<Lane>> lanes_;
  std::map<QueueKey, std::int64_t> byKey_;
  Turns toRead_;
  std::set<std::pair<Millis, std::int64_t>> timers_;
  std::unordered_map<std::int64_t, Flight> flights_;   // by delivery
  std::deque<std::pair<Millis, std::int64_t>> aging_;  // since when a delivery is in flight
  std::size_t reading_ = 0;
};

}  // namespace pombo
