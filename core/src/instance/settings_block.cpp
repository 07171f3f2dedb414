#include "instance/settings_block.hpp"

namespace pombo {
namespace {

Field flag(const char* name, const char* doc, bool fallback = false) {
  return {.name = name, .type = Type::boolean, .fallback = fallback, .doc = doc};
}

}  // namespace

std::vector<Field> SettingsBlock::fields() const {
  return {flag("autoRejectCalls", "Incoming calls are rejected."),
          {.name = "callRejectMessage",
           .fallback = "",
           .doc = "Sent to the caller of a rejected call; empty: nothing is.",
           .maxLength = 1024},
          flag("ignoreGroupMessages", "New group messages are neither stored nor emitted."),
          flag("keepOnlineStatus", "The instance shows as online while it is connected."),
          flag("autoReadMessages", "Incoming messages are marked as read."),
          flag("disableHistorySync", "No history is fetched at the next pairing.", true),
          flag("ignoreStatus", "Stories are neither stored nor emitted.")};
}

void SettingsBlock::configure(const Instance& instance, const Fields& slice) {
  host_->settings().save(instance.id, slice.document());
}

Json SettingsBlock::summary(const Instance& instance) {
  if (auto known = host_->settings().load(instance.id)) return *known;
  boost::json::object defaults;
  for (const auto& field : fields()) defaults[field.name] = field.fallback;
  return defaults;
}

}  // namespace pombo
