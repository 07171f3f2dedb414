#include "dispatch.hpp"

#include <functional>

#include "pending_fields.hpp"

using namespace pombo;

namespace {

// The connector may have it, and will say what has become of it, whatever was answered.
bool mayYetBeSent(const Error& error) {
  return error.code == Code::timedOut || error.code == Code::unavailable;
}

// Its event will say so as well: whoever reads an error of ours sends it again.
void note(const Desk& desk, const InstanceId& id, const std::function<void()>& keep) try {
  keep();
  // It may have been deleted meanwhile, and what is kept of it before.
  if (!desk.host().instances().find(id)) desk.store().forget(id);
} catch (const std::exception& error) {
  desk.host().log().write(Level::warn, "What has become of a message is not kept yet",
                          {{"reason", error.what()}});
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
    if (!mayYetBeSent(error))
      note(desk, instance.id, [&] { desk.pending().fail(instance.id, id); });
    throw;
  }
}
