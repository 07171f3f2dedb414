#include "event/publisher.hpp"

#include <algorithm>
#include <set>

namespace pombo {
namespace {

constexpr auto kNoInstance = "An event's instance does not exist";

bool isKnown(const std::string& type) {
  return isOnWire(type) ||
         std::find(kInnerEvents.begin(), kInnerEvents.end(), type) != kInnerEvents.end();
}

}  // namespace

std::vector<std::string> Publisher::publish(std::vector<Event> events) try {
  if (closed_) throw Error(Code::unavailable, "Server is shutting down");
  requireGood(events);
  for (auto& event : events) {
    event.id = around_.newId();
    event.at = clock_.now();
  }
  around_.complete(events);
  std::vector<std::string> ids(events.size());
  std::vector<Event> wanted;
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < events.size(); ++i) {
    ids[i] = events[i].id;
    if (around_.isUnwanted(events[i])) continue;
    places.push_back(i);
    wanted.push_back(std::move(events[i]));
  }
  if (wanted.empty()) return ids;
  const Acceptance made = store_.accept(wanted, thread_.now());
  tells_ = true;
  for (std::size_t i = 0; i < places.size(); ++i) ids[places[i]] = made.ids[i];
  around_.accepted(wanted);
  hand(std::move(wanted), made);
  return ids;
} catch (const Error&) {
  throw;
} catch (const std::exception& error) {
  // Whether the commit was made may not be known: what there is, is read again.
  thread_.say([](Pipeline& pipeline, Millis) { pipeline.acceptanceUnknown(); });
  if (tells_.exchange(false))
    log_.write(Level::error, "Events were not accepted", {{"reason", error.what()}});
  metrics_.count("pombo_events_refused_total", {});
  throw Error(Code::unavailable, "Events cannot be accepted now");
}

void Publisher::requireGood(const std::vector<Event>& events) const {
  std::set<InstanceId> ids;
  for (const auto& event : events) {
    if (!isKnown(event.type)) throw Error(Code::invalid, "Unknown event: " + event.type);
    if (!event.data.is_object()) throw Error(Code::invalid, "An event's data must be an object");
    if (!isFinite(event.data)) throw Error(Code::invalid, "An event's numbers must be finite");
    if (!isText(event.instance.value)) throw Error(Code::invalid, kNoInstance);
    ids.insert(event.instance);
  }
  if (!ids.empty() && !around_.knows({ids.begin(), ids.end()}))
    throw Error(Code::invalid, kNoInstance);
}

void Publisher::hand(std::vector<Event> events, const Acceptance& made) {
  metrics_.count("pombo_events_accepted_total", {}, double(made.accepted.size()));
  metrics_.count("pombo_events_duplicate_total", {}, double(events.size() - made.accepted.size()));
  std::size_t next = 0;
  for (std::size_t i = 0; i < events.size(); ++i) {
    if (made.ids[i] != events[i].id) continue;
    const AcceptedEvent& accepted = made.accepted[next++];
    cache_.add(accepted.seq, std::make_shared<const Event>(std::move(events[i])), accepted.bytes);
  }
  thread_.say(
      [accepted = made.accepted](Pipeline& pipeline, Millis) { pipeline.accepted(accepted); });
}

}  // namespace pombo
