#include "dispatch.hpp"

using namespace pombo;

namespace {

// It is sent already, and its event will say so as well: whoever reads an error sends it again.
void keep(const Desk& desk, const InstanceId& id, const Json& exchange) try {
  desk.store().keepSent(id, exchange);
  // It may have been deleted meanwhile, and what is kept of it before.
  if (!desk.host().instances().find(id)) desk.store().forget(id);
} catch (const std::exception& error) {
  desk.host().log().write(Level::warn, "A message that was sent is not kept yet",
                          {{"reason", error.what()}});
}

}  // namespace

Json dispatched(const Desk& desk, const Instance& instance, const std::string& operation,
                const Json& told) {
  Json exchange = desk.ask(instance, operation, told, kSendFailure);
  keep(desk, instance.id, exchange);
  desk.host().metrics().count("sent", 1);
  return exchange;
}
