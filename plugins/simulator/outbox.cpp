#include "outbox.hpp"

using namespace pombo;

namespace {

constexpr auto kOutbox = "outbox";

}  // namespace

void putInOutbox(SimulatedSession& session, const std::string& operation, const Json& arguments) {
  arrayIn(session.phone, kOutbox)
      .push_back(boost::json::object{{"operation", operation}, {"arguments", arguments}});
}

std::vector<Event> sentFromOutbox(const Instance& instance, SimulatedSession& session,
                                  TimePoint now) {
  const Performer self{session.jid, session.lid, instance.name, now};
  std::vector<Event> all;
  for (const auto& each : arrayIn(session.phone, kOutbox)) {
    const auto operation = operations().at(each.at("operation").as_string());
    for (auto& event : eventsOf(instance.id, operation(self, each.at("arguments")).happenings))
      all.push_back(std::move(event));
  }
  session.phone.erase(kOutbox);
  return all;
}

std::vector<Event> eventsOf(const InstanceId& id, std::vector<Performance::Happening> happenings) {
  std::vector<Event> events;
  for (auto& each : happenings)
    events.push_back({.type = std::move(each.type),
                      .instance = id,
                      .chat = std::move(each.chat),
                      .data = std::move(each.data),
                      .mediaKey = std::move(each.mediaKey)});
  return events;
}
