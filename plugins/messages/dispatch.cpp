#include "dispatch.hpp"

#include <functional>

#include "pending_fields.hpp"

using namespace pombo;

namespace {

// Its event will say so as well: whoever reads an error of ours sends it again.
void note(const Desk& desk, const InstanceId& id, const std::function<void()>& keep) try {
  keep();
  // It may have been deleted meanwhile, and what is kept of it before.
  if (!desk.host().instances().find(id)) desk.store().forget(id);
} catch (const std::exception& error) {
  desk.host().log().write(Level::warn, "What has become of a message is not kept yet",
                          {{"reason", error.what()}});
}

// No route shows the reason, and whoever was answered may not be whoever looks at it.
void giveUp(const Desk& desk, const InstanceId& instance, const std::string& id,
            const Error& error) {
  desk.host().log().write(
      Level::info, "A message was not sent",
      {{"instance", instance.value}, {"message", id}, {"reason", error.what()}});
  note(desk, instance, [&] { desk.pending().fail(instance, id); });
}

}  // namespace

Json dispatched(const Desk& desk, const Instance& instance, const std::string& operation,
                boost::json::object& told, const std::vector<Media>& files) {
  Desk::requireConnected(instance);
  const std::string id = newMessageId();
  told["id"] = id;
  desk.pending().keep(instance.id,
                      pendingExchange(instance, operation, told, desk.host().clock().now()));
  try {
    Json exchange = desk.ask(instance, operation, told, kSendFailure, files);
    note(desk, instance.id, [&] { desk.store().keepSent(instance.id, id, exchange); });
    desk.host().metrics().count("sent", 1);
    return exchange;
  } catch (const Error& error) {
    // Else the connector may have it, and will say what has become of it, whatever was answered.
    if (error.code != Code::timedOut) giveUp(desk, instance.id, id, error);
    throw;
  }
}
