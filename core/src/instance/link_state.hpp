// What an "instance.state" event means: to those who receive it, and to the instance's row.
#pragma once

#include <atomic>
#include <optional>
#include <string>
#include <vector>

#include "instance/instance_store.hpp"
#include "pombo/connector.hpp"
#include "pombo/observe.hpp"

namespace pombo {

// The instance's status once that has happened; nothing: it stays as it was. "disconnected" is
// "connecting" when `reconnecting` is true beside it: the connector is at work on a new link.
std::optional<std::string> statusAfter(const Json& data);

// The number that the instance is linked to by that; empty: it is not about a number of its own.
std::string numberAfter(const Json& data);

// When the ban that it tells of ends by itself; nothing: it is none, or never, or
// at no time that can be.
std::optional<TimePoint> banEndIn(const Json& data);

// What a call that waits for a code learns from it: a code, a link, or why there will be neither.
// Nothing: it goes on waiting.
struct LinkOutcome {
  std::optional<Link> link = {};
  std::string reason = {};  // why there is none
};
std::optional<LinkOutcome> outcomeOf(const Json& data);

// `data` with all that core knows better, or alone: the instance's name, its status as it is then,
// when it happened unless that is there, and the picture of the first of the `codes`.
Json completed(const Json& data, const Instance& after, TimePoint now);

// Thread-safe.
class LinkStates {
 public:
  LinkStates(const InstanceStore& instances, IClock& clock)
      : instances_(instances), clock_(clock) {}

  // Before they are accepted, and outside of any transaction: it reads the database, and pictures
  // take their time. Events of other types, and of instances that are gone, stay as they are.
  void complete(std::vector<Event>&) const;
  // Inside the transaction that accepts them: the rows follow, in the order of the events. Throws
  // Error{conflict} for a time-out of one that is not connecting, and after close() Error{
  // unavailable} for all but the stop of the server: then none of them is accepted.
  void apply(Session&, const std::vector<Event>&) const;
  // When it returns, whatever was accepted before can be read, and nothing else is.
  void close(Database&);

 private:
  void requireTrue(Session&, const Event&) const;

  const InstanceStore& instances_;
  IClock& clock_;
  std::atomic<bool> closed_{false};
};

}  // namespace pombo
