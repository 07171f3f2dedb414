// Something happened to an instance. Connectors and core publish; sinks carry it out.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pombo/http.hpp"

namespace pombo {

// What clients can subscribe to.
inline constexpr std::array<std::string_view, 6> kWireEvents{"message.exchange", "message.status",
                                                             "call.update",      "group.flow",
                                                             "instance.state",   "label.update"};

// What blocks tell each other over the same bus and no client of the standard channels receives.
inline constexpr std::array<std::string_view, 4> kInnerEvents{"presence.update", "chat.update",
                                                              "contact.update", "history.sync"};

inline constexpr bool isOnWire(std::string_view type) {
  for (const auto known : kWireEvents)
    if (known == type) return true;
  return false;
}

// A field that filters events; an empty list means all of them.
inline Field eventsField(const std::string& name, const std::string& doc) {
  return {.name = name,
          .type = Type::strings,
          .fallback = boost::json::array(),
          .doc = doc,
          .choices = {kWireEvents.begin(), kWireEvents.end()},
          .refusal = "Unknown event: <value>",
          .distinct = true};
}

struct Event {
  // Given by publish(); the same across retries, so that receivers can deduplicate.
  std::string id = {};
  std::string type = {};  // one of kWireEvents or kInnerEvents
  InstanceId instance = {};
  TimePoint at = {};
  std::string chat = {};  // events of one chat keep their order; empty: of the instance
  Json data = {};
  std::string mediaKey = {};  // what the connector needs to fetch the bytes again; empty: no media
  bool operator==(const Event&) const = default;
};

enum class Outcome {
  done,   // delivered
  retry,  // not now: come back on the sink's schedule
  drop,   // will never succeed: a dead letter
};

struct Verdict {
  Outcome outcome = Outcome::done;
  std::string reason = {};                  // of a retry or a drop, for people; no secrets
  std::optional<TimePoint> notBefore = {};  // of a retry: the schedule never comes earlier
  bool operator==(const Verdict&) const = default;
};

// memory: a live channel, nothing outlives the process.  disk: at least once, across restarts.
enum class Keep { memory, disk };

enum class DeliveryStatus { pending, delivered, dead };

// What became of an event at one destination of a sink that keeps on disk.
struct DeliveryRecord {
  std::string id = {};  // opaque; not the event's
  std::string event = {};
  std::string type = {};  // of the event
  std::string destination = {};
  DeliveryStatus status = DeliveryStatus::pending;
  int attempts = 0;
  int httpStatus = 0;       // of the last attempt; 0: there was no answer
  std::string error = {};   // of the last attempt, for people
  std::string reason = {};  // of a dead one: "attempts exhausted", ...
  TimePoint createdAt = {};
  std::optional<TimePoint> attemptedAt = {};
  std::optional<TimePoint> nextAt = {};  // of a pending one that has been attempted
  bool operator==(const DeliveryRecord&) const = default;
};

// Which deliveries; what is absent or empty does not narrow.
struct DeliveryQuery {
  std::optional<std::string> destination = {};
  std::optional<DeliveryStatus> status = {};
  std::vector<std::string> ids = {};
  std::optional<TimePoint> since = {};  // created then or later
  std::string after = {};               // the id of the last one that was seen: those that follow
  int limit = 50;                       // 1 to 10,000
  bool operator==(const DeliveryQuery&) const = default;
};

// How a sink is served. Waits are multiplied by a random factor of 0.8 to 1.2.
struct Delivery {
  Keep keep = Keep::disk;
  std::vector<std::chrono::milliseconds> retries = {};  // the wait before each further attempt
  int inFlight = 8;                                     // at once per destination
  std::chrono::milliseconds timeout{15'000};            // of one attempt
  bool inner = false;                                   // what no client is told of, too
  bool operator==(const Delivery&) const = default;
};

// A sink that posts: it says what to send and what the answer meant. Core sends, retries and keeps
// thousands in flight; no thread waits for an endpoint. All three are quick and do no I/O but
// through ISettings and ISecrets.
class POMBO_API IHttpSink {
 public:
  virtual ~IHttpSink() = default;
  // The destinations that want this event, in the block's own words: a webhook's label, an inbox.
  // Each is queued and retried apart from the others. Empty when nobody does. [any thread]
  virtual std::vector<std::string> route(const Event&) = 0;
  // `attempt` counts from 1. A throw is a retry; Error{notFound}, when nobody waits at this
  // destination any more, a drop with its sentence as the reason. [any thread]
  virtual OutgoingRequest request(const Event&, const std::string& destination, int attempt) = 0;
  // Not asked when there was no answer: that is a retry. [any thread]
  virtual Verdict judge(const IncomingReply&) = 0;
};

// A sink of any other kind.
class POMBO_API IEventSink {
 public:
  virtual ~IEventSink() = default;
  virtual std::vector<std::string> route(const Event&) = 0;  // as above
  // May take its time: it runs on this block's own lane and no other block waits. Concurrent for
  // different instances; one instance's events come in order, except those being retried. A throw
  // is a retry. [delivery]
  virtual Verdict deliver(const Event&, const std::string& destination) = 0;
};

class POMBO_API IEvents {
 public:
  virtual ~IEvents() = default;

  // Returns when all of them are accepted: durable for every sink that keeps on disk. Only then may
  // their source be acknowledged. Throws Error{unavailable} when none was; publish them again.
  // Many at once cost about as much as one. Returns their ids; a "message.exchange" whose chat,
  // data.id and data.message.type were accepted before is not accepted again, and its id is that
  // of the first. Of an "instance.state" core completes data.instance, data.timestamp, data.status
  // and, where there are data.codes, data.qrCodeBase64. [any thread]
  virtual std::vector<std::string> publish(const std::vector<Event>&) = 0;

  // At most once each; the sink is the block's, and is not called after stop(). [start]
  virtual void subscribe(IHttpSink&, const Delivery&) = 0;
  virtual void subscribe(IEventSink&, const Delivery&) = 0;

  // What clients receive on every channel: {"event", "data", "instanceData", ...}. Holds the
  // instance token; never log or keep it. An event that was not published gets an id and a time of
  // its own. [any thread]
  virtual Json envelope(const Event&, bool withMediaBase64) const = 0;

  // What became of this block's deliveries of an instance, newest first; those that were delivered,
  // and dead letters, only for as long as the operator keeps them. Throws Error{invalid, "Invalid
  // cursor"} when `after` is no id. [request]
  virtual std::vector<DeliveryRecord> deliveries(const InstanceId&, const DeliveryQuery&) const = 0;
  // Delivers these once more, with attempts of their own: delivered or dead ones again, pending
  // ones at once. Ids that are not this block's and this instance's are passed over. Returns when
  // that is durable. [request]
  virtual void redeliver(const InstanceId&, const std::vector<std::string>& ids) = 0;
  // Nobody waits at this destination any more: what is pending there becomes dead letters with this
  // reason. Returns when that is certain to happen. [request]
  virtual void giveUp(const InstanceId&, const std::string& destination,
                      const std::string& reason) = 0;
};

}  // namespace pombo
