#include "instance/settings_block.hpp"

#include <algorithm>

#include "observe/request_scope.hpp"

namespace pombo {
namespace {

Field flag(const char* name, const char* doc, bool fallback = false) {
  return {.name = name, .type = Type::boolean, .fallback = fallback, .doc = doc};
}

constexpr std::chrono::seconds kApplyTime{5};  // of a connector that takes settings
constexpr auto kRetrieved = "Settings retrieved successfully";
constexpr auto kUpdated = "Settings updated successfully";

// The schema of an answer with all of them.
Json replyOf(const char* message, const std::vector<Field>& fields) {
  boost::json::object settings;
  boost::json::array names;
  for (const auto& field : fields) {
    settings[field.name] = {{"type", field.type == Type::boolean ? "boolean" : "string"}};
    names.emplace_back(field.name);
  }
  return {{"type", "object"},
          {"required", {"success", "message", "settings"}},
          {"properties",
           {{"success", {{"const", true}}},
            {"message", {{"const", message}}},
            {"settings", {{"type", "object"}, {"required", names}, {"properties", settings}}}}}};
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

void SettingsBlock::start(IHost& host) {
  host_ = &host;
  effects_.emplace(host);
  host.events().subscribe(static_cast<IEventSink&>(*effects_), {.keep = Keep::memory});
  host.routes().add({.path = "/api/instance/getSettings/:instance",
                     .summary = "The settings of an instance",
                     .reply = replyOf(kRetrieved, fields()),
                     .failure = "Failed to get settings configuration"},
                    [this](const HttpRequest& request) { return get(request); });
  host.routes().add({.method = Method::post,
                     .path = "/api/instance/settings/:instance",
                     .summary = "Change some settings of an instance; the others stay",
                     .body = fields(),
                     .reply = replyOf(kUpdated, fields()),
                     .failure = "Failed to update settings configuration",
                     .slow = true},
                    [this](const HttpRequest& request) { return update(request); });
}

HttpReply SettingsBlock::get(const HttpRequest& request) {
  return {.body = {{"success", true},
                   {"message", kRetrieved},
                   {"settings", summary(*request.instance)}}};
}

HttpReply SettingsBlock::update(const HttpRequest& request) {
  if (request.given.empty()) throw Error(Code::invalid, "At least one setting must be provided");
  const InstanceId& id = request.instance->id;
  Json settings;
  {
    const std::lock_guard lock(locks_[std::hash<std::string>{}(id.value) % locks_.size()]);
    settings = summary(*request.instance);
    for (const auto& name : request.given) settings.as_object()[name] = request.fields.at(name);
    host_->settings().save(id, settings);
  }
  apply(*request.instance);
  constexpr auto kOnline = "keepOnlineStatus";
  if (std::find(request.given.begin(), request.given.end(), kOnline) != request.given.end())
    effects_->showOnline(*request.instance, settings.at(kOnline).as_bool());
  return {.body = {{"success", true}, {"message", kUpdated}, {"settings", std::move(settings)}}};
}

void SettingsBlock::forget(const Instance& instance) { effects_->forget(instance.id); }

void SettingsBlock::configure(const Instance& instance, const Fields& slice) {
  host_->settings().save(instance.id, slice.document());
}

// What has changed meanwhile may have been told first, by somebody else: so it is told again.
void SettingsBlock::apply(const Instance& instance) try {
  const RequestScope scope("", std::chrono::steady_clock::now() + kApplyTime);
  Json told;
  for (Json now = summary(instance); now != told; now = summary(instance)) {
    told = std::move(now);
    effects_->apply(instance, told);
  }
} catch (const std::exception& error) {
  host_->log().write(Level::debug, "Settings were not told",
                     {{"instance", instance.id.value}, {"reason", error.what()}});
}

Json SettingsBlock::summary(const Instance& instance) {
  if (auto known = host_->settings().load(instance.id)) return *known;
  boost::json::object defaults;
  for (const auto& field : fields()) defaults[field.name] = field.fallback;
  return defaults;
}

}  // namespace pombo
