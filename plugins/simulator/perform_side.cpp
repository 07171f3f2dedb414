#include "perform_side.hpp"

#include "perform.hpp"

using namespace pombo;

namespace {

void publish(IHost& host, const InstanceId& id, std::vector<Performance::Happening> happenings) {
  std::vector<Event> events;
  for (auto& each : happenings)
    events.push_back({.type = std::move(each.type),
                      .instance = id,
                      .chat = std::move(each.chat),
                      .data = std::move(each.data),
                      .mediaKey = std::move(each.mediaKey)});
  if (!events.empty()) host.events().publish(events);
}

Performer performerOf(IHost& host, const Instance& instance, const SimulatedSession& session) {
  return {session.jid, session.lid, instance.name, host.clock().now()};
}

}  // namespace

Json performBy(SimulatedLinks& links, IHost& host, const Instance& instance,
               const std::string& name, const Json& arguments) {
  const auto operation = operations().find(name);
  if (operation == operations().end())
    throw Error(Code::unsupported, "Not supported by the simulator connector");
  const auto session = links.openSession(instance);
  Performance done = operation->second(performerOf(host, instance, session), arguments);
  if (!done.refusal.empty()) throw Error(Code::invalid, done.refusal);
  publish(host, instance.id, std::move(done.happenings));
  return done.answer;
}
