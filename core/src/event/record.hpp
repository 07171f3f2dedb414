// What the pipeline of events knows and says: small records, without what an event holds.
#pragma once

#include <compare>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "pombo/event.hpp"

namespace pombo {

// A time on the Timeline: milliseconds that never go back.
using Millis = std::int64_t;
inline constexpr Millis kNever = std::numeric_limits<Millis>::max();

// One (instance, block, destination): what is delivered there waits in a queue of its own.
struct QueueKey {
  InstanceId instance = {};
  std::string block = {};
  std::string destination = {};  // in the block's own words
  auto operator<=>(const QueueKey&) const = default;
};

// The destination of what its block could not say the destinations of, when it was asked: whoever
// is to deliver there asks again, for as long as it takes. No block has one of that name.
inline constexpr auto kUnrouted = "";

// How a block's queues are served; of its Delivery.
struct QueueRules {
  std::vector<Millis> waits = {};  // before each further attempt
  int inFlight = 8;                // first attempts at once
};

struct AcceptedEvent {
  std::int64_t seq = 0;  // order of acceptance
  InstanceId instance = {};
  std::string chat = {};
  std::int64_t bytes = 0;  // of what it holds
  bool operator==(const AcceptedEvent&) const = default;
};

struct PendingDelivery {
  std::int64_t id = 0;
  std::int64_t place = 0;  // in the order of its queue; a new one when it is delivered again
  std::int64_t event = 0;  // its seq
  std::int64_t bytes = 0;
  int attempts = 0;  // made, and recorded
  Millis dueAt = 0;  // of the next one, when it is not the first
  bool operator==(const PendingDelivery&) const = default;
};

// What an attempt came to.
struct AttemptResult {
  Outcome outcome = Outcome::done;
  std::string reason = {};     // of a retry or a drop, for people
  std::string exhausted = {};  // of the dead letter, should it have been the last attempt
  int httpStatus = 0;          // 0: there was no answer
  std::optional<Millis> notBefore = {};
};

// What becomes of a delivery. Absolute, so that it may be written twice.
struct Settlement {
  std::int64_t queue = 0;
  PendingDelivery delivery = {};  // with its next attempt, if there is one
  DeliveryStatus status = DeliveryStatus::pending;
  bool attempted = true;  // false: it goes without one
  Millis at = 0;
  int httpStatus = 0;
  std::string error = {};   // of the last attempt
  std::string reason = {};  // of a dead letter
};

struct NewDelivery {
  std::int64_t queue = 0;
  PendingDelivery delivery = {};
};

// An event has been enriched, and it is known who wants it.
struct Routing {
  std::int64_t event = 0;
  std::int64_t token = 0;  // of this routing: an event is routed once; 0: more of a routed one
  std::optional<std::string> data = {};  // JSON, when an enricher has changed it
  std::vector<NewDelivery> deliveries = {};
};

struct QueueName {
  std::int64_t id = 0;
  QueueKey key = {};
  bool operator==(const QueueName&) const = default;
};

// All of a queue that is not behind `place` goes without another attempt; for good.
struct Burial {
  std::int64_t queue = 0;
  std::int64_t place = 0;
  std::string reason = {};  // of the dead letters
};

// All or nothing. One at a time, in order; repeated as it is until it is known to be made.
struct Write {
  Millis at = 0;
  std::vector<QueueName> queues = {};  // that have deliveries for the first time
  std::vector<Routing> routings = {};
  std::vector<Settlement> settlements = {};
  std::vector<NewDelivery> again = {};  // from the start, in a new place, whatever became of them
  std::vector<std::pair<std::int64_t, int>> failures = {};  // in a row, of queues, where changed
  std::vector<Burial> burials = {};
  bool empty() const {
    return routings.empty() && settlements.empty() && again.empty() && burials.empty();
  }
};

struct QueueSize {
  std::int64_t queue = 0;
  std::int64_t pending = 0;
  std::int64_t bytes = 0;
  bool operator==(const QueueSize&) const = default;
};

// What of a Write had no effect: of events that are routed already or gone, and of deliveries that
// wait for their first attempt or are gone.
struct NoEffect {
  std::vector<std::int64_t> events = {};  // seqs
  std::vector<std::int64_t> again = {};   // the places they would have had
  // Of the queues of `again`, in order, after the Write: nobody else knows which were pending.
  std::vector<QueueSize> sizes = {};
  bool operator==(const NoEffect&) const = default;
};

// The first rows of a queue in one order, those in memory included.
struct Load {
  enum class What { firsts, retries, oldest };
  std::int64_t queue = 0;
  What what = What::firsts;
  std::size_t limit = 0;
};

struct QueueStanding {
  QueueName name = {};
  std::int64_t pending = 0;
  std::int64_t bytes = 0;
  int failures = 0;
  std::int64_t buried = 0;  // up to this place: `burial` is the reason
  std::string burial = {};
  bool operator==(const QueueStanding&) const = default;
};

// What a restart finds.
struct StoredQueues {
  std::vector<QueueStanding> queues = {};
  std::int64_t lastQueue = 0;
  std::int64_t lastDelivery = 0;
  std::int64_t lastPlace = 0;
  bool operator==(const StoredQueues&) const = default;
};

struct PipelineLimits {
  std::int64_t queueDeliveries = 100'000;
  std::int64_t queueBytes = std::int64_t{2} << 30;
  int retriesInFlight = 4;      // of one queue
  int breakerAfter = 10;        // failures in a row
  int inFlight = 2048;          // of a block's queues
  Millis late = 1000;           // for an answer
  std::size_t window = 32;      // rows of a queue that are read at a time
  std::size_t events = 8192;    // accepted events that are read at a time
  int preparing = 4;            // events of one instance that are enriched at once
  std::size_t loads = 16;       // at once
  std::size_t perWrite = 1024;  // events and settlements, each
};

}  // namespace pombo
