#include "perform_side.hpp"

#include "given_side.hpp"
#include "outbox.hpp"
#include "phone.hpp"

using namespace pombo;

namespace {

void publish(IHost& host, const InstanceId& id, std::vector<Performance::Happening> happenings) {
  const std::vector<Event> events = eventsOf(id, std::move(happenings));
  if (!events.empty()) host.events().publish(events);
}

Performer performerOf(IHost& host, const Instance& instance, const SimulatedSession& session) {
  return {session.jid, session.lid, instance.name, host.clock().now()};
}

Code codeOf(PhoneRefusal::Why why) {
  if (why == PhoneRefusal::Why::notFound) return Code::notFound;
  return why == PhoneRefusal::Why::forbidden ? Code::forbidden : Code::invalid;
}

// What has changed counts when it has been told.
Json performByPhone(SimulatedLinks& links, IHost& host, const Instance& instance,
                    PhoneOperation operation, const Json& arguments) try {
  Json answer;
  links.change(instance, [&](SimulatedSession& session) {
    Performance done = operation(performerOf(host, instance, session), session.phone, arguments);
    publish(host, instance.id, std::move(done.happenings));
    answer = std::move(done.answer);
  });
  return answer;
} catch (const PhoneRefusal& refusal) {
  throw Error(codeOf(refusal.why), refusal.sentence);
}

// Whether others see it online is a matter of its link, and not of its phone.
Json showPresence(SimulatedLinks& links, const Instance& instance, const Json& arguments) {
  links.change(instance, [&](SimulatedSession& session) {
    session.profile.available = arguments.at("available").as_bool();
  });
  return nullptr;
}

}  // namespace

Json performBy(SimulatedLinks& links, IHost& host, const Instance& instance,
               const std::string& name, const Json& given, const std::vector<Media>& files) {
  const Json arguments = withFile(given, files);
  if (name == "profile.presence") return showPresence(links, instance, arguments);
  if (const auto it = phoneOperations().find(name); it != phoneOperations().end())
    return performByPhone(links, host, instance, it->second, arguments);
  const auto operation = operations().find(name);
  if (operation == operations().end())
    throw Error(Code::unsupported, "Not supported by the simulator connector");
  if (name.starts_with("message.") && links.putOff(instance, name, arguments))
    throw Error(Code::timedOut, "WhatsApp does not answer");
  const auto session = links.openSession(instance);
  Performance done = operation->second(performerOf(host, instance, session), arguments);
  if (!done.refusal.empty()) throw Error(Code::invalid, done.refusal);
  publish(host, instance.id, std::move(done.happenings));
  return done.answer;
}
