// The heart of events, as one thread sees it: what is said to it changes its state, and work() says
// what is to be done now. It has no clock, no thread, no socket and no database of its own.
#pragma once

#include <algorithm>
#include <set>
#include <vector>

#include "event/intake.hpp"
#include "event/lanes.hpp"

namespace pombo {

// Who wants an event: what route() of the block said.
struct Destination {
  std::string block = {};
  std::string name = {};
};

// To be done outside, in any order; each is answered by the call that is named with it.
struct Work {
  std::vector<AcceptedEvent> prepare = {};  // prepared() or notPrepared()
  std::size_t readEvents = 0;               // eventsLoaded() or readEventsFailed()
  std::vector<Load> loads = {};             // loaded() or loadFailed()
  std::vector<Attempt> attempts = {};       // answered()
  const Write* write = nullptr;             // committed() or notCommitted(); lives until then
  Millis wakeAt = kNever;                   // then work() again, should nothing be said before
};

// An event is accepted (a row of its own, by whoever publishes), prepared, routed (a delivery for
// each destination in the same write), attempted and settled. One write is under way at a time,
// with all that has come together meanwhile. Not thread-safe.
class Pipeline {
 public:
  Pipeline(const PipelineLimits& limits, Random& random)
      : limits_(limits), intake_(limits_), lanes_(limits_, random) {}

  // Blocks that deliver now, and what the database holds; once each, before anything else.
  void serve(const std::string& block, QueueRules rules) { lanes_.serve(block, std::move(rules)); }
  // Events are enriched, which may take long: an event that is waits for those of its chat alone.
  void letChatsPass() { intake_.letChatsPass(); }
  void restore(const StoredQueues&);

  void accepted(const std::vector<AcceptedEvent>&);
  // An acceptance has failed: perhaps its rows are in the store all the same.
  void acceptanceUnknown() { intake_.reread(); }
  // `data`: as an enricher has changed it.
  void prepared(const AcceptedEvent&, const std::vector<Destination>&,
                std::optional<std::string> data, Millis now);
  // A delivery stood for those that could not be asked who wants it, and now they have said: theirs
  // are written. What it stood for is answered when that is in the store.
  void routedLater(const InstanceId&, const PendingDelivery& of, const std::vector<Destination>&,
                   Millis now);
  void notPrepared(std::int64_t seq) { intake_.notPrepared(seq); }
  void eventsLoaded(const std::vector<AcceptedEvent>&, std::size_t asked);
  void readEventsFailed(Millis now);
  void loaded(const Load&, const std::vector<PendingDelivery>&, Millis now);
  void loadFailed(const Load& load, Millis now) { lanes_.loadFailed(load, now + kPause); }
  void answered(std::int64_t delivery, const AttemptResult&, Millis now);
  void committed(const NoEffect&, Millis now);
  // Or it is not known whether it was: it is written again.
  void notCommitted(Millis now) {
    writeAfter_ = now + kPause;
    writing_ = false;
  }

  // To be delivered once more, with attempts of their own, whatever became of them. One that waits
  // for its schedule does not any longer; one that is in flight, or waits for its first attempt, is
  // left alone.
  void redeliver(const std::vector<NewDelivery>&);
  // How many writes it takes until all that was said is in the store, the one under way left out.
  std::size_t writesAhead() const {
    return std::max(again_.size(), routings_.size()) / limits_.perWrite + 1;
  }
  // All that is pending becomes dead for that reason. What is in flight does so with its answer,
  // unless it is delivered. Durable with the write that holds the burial, and a restart finishes
  // it; what the queue is given afterwards is delivered.
  void bury(const QueueKey&, const std::string& reason);
  // Its rows are gone, or are going to be.
  void forget(const InstanceId&);

  Work work(Millis now);

  const DeliveryQueue* find(const QueueKey& key) { return lanes_.find(key); }

 private:
  static constexpr Millis kPause = 250;  // after the database has refused

  void enqueue(const QueueKey&, PendingDelivery, Routing& into, Millis now);
  void gather(Millis now);
  void committedAgain(const NoEffect&, Millis now);

  const PipelineLimits limits_;
  Intake intake_;
  Lanes lanes_;
  std::vector<QueueName> newQueues_;
  std::deque<Routing> routings_;
  std::deque<Settlement> settlements_;
  std::deque<NewDelivery> again_;
  std::vector<Burial> burials_;
  Write write_;
  bool writing_ = false;
  Millis writeAfter_ = 0, readAfter_ = 0;
  std::int64_t lastQueue_ = 0, lastDelivery_ = 0, lastPlace_ = 0;
};

}  // namespace pombo
