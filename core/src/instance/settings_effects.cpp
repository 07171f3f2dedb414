#include "instance/settings_effects.hpp"

#include <algorithm>

#include "instance/identity.hpp"

namespace pombo {
namespace {

constexpr auto kReject = "reject", kRead = "read", kOnline = "online";
constexpr auto kApply = "settings.apply";
constexpr std::size_t kCallsKnown = 16;  // of an instance

std::string textAt(const Json& value, const char* pointer) {
  boost::json::error_code none;
  const Json* found = value.find_pointer(pointer, none);
  return found && found->is_string() ? std::string(found->get_string()) : std::string();
}

// Nobody waits for a receipt of what is older, or a story, or public.
bool wantsReceipt(const Event& event) {
  const std::string type = textAt(event.data, "/message/type"),
                    chat = textAt(event.data, "/chat/jid");
  return textAt(event.data, "/direction") == "incoming" &&
         !event.data.as_object().contains("isHistory") && type != "message_edit" &&
         type != "message_revoke" && chat != "status@broadcast" && !chat.ends_with("@newsletter");
}

struct Wanted {
  const char* setting;
  const char* effect;
};

// What an event may be answered with, and the setting that asks for it.
std::optional<Wanted> wantedBy(const Event& event) {
  const std::string type = textAt(event.data, "/type");
  if (event.type == "call.update" && (type == "offer" || type == "notification"))
    return Wanted{"autoRejectCalls", kReject};
  if (event.type == "message.exchange" && wantsReceipt(event))
    return Wanted{"autoReadMessages", kRead};
  if (event.type == "instance.state" && textAt(event.data, "/state") == "connected")
    return Wanted{"keepOnlineStatus", kOnline};
  return std::nullopt;
}

}  // namespace

std::vector<std::string> SettingsEffects::route(const Event& event) {
  const auto wanted = wantedBy(event);
  if (!wanted) return {};
  const auto settings = host_.settings().load(event.instance);
  if (!settings || !Fields(*settings).get<bool>(wanted->setting, false)) return {};
  return {wanted->effect};
}

Verdict SettingsEffects::deliver(const Event& event, const std::string& effect) {
  const auto instance = host_.instances().find(event.instance);
  if (!instance || actsItself(*instance)) return {};
  if (effect == kReject) reject(*instance, event);
  if (effect == kRead) markRead(*instance, event);
  if (effect == kOnline) showOnline(*instance, true);
  return {};
}

void SettingsEffects::apply(const Instance& instance, const Json& settings) {
  if (takesSettings(instance.connector) == false) return;
  try {
    host_.perform(instance, kApply, settings);
    learn(instance.connector, true);
  } catch (const Error& error) {
    if (error.code == Code::unsupported)
      learn(instance.connector, false);
    else if (error.code != Code::unavailable)  // else it is asked before it links the instance
      notApplied(instance, kApply, error);
  }
}

std::optional<bool> SettingsEffects::takesSettings(const std::string& connector) const {
  const std::lock_guard lock(mutex_);
  const auto it = takesSettings_.find(connector);
  return it == takesSettings_.end() ? std::nullopt : std::optional(it->second);
}

void SettingsEffects::learn(const std::string& connector, bool takesSettings) {
  const std::lock_guard lock(mutex_);
  takesSettings_[connector] = takesSettings;
}

// Of one that does not say it is assumed: nothing happens twice.
bool SettingsEffects::actsItself(const Instance& instance) {
  if (!takesSettings(instance.connector))
    if (const auto settings = host_.settings().load(instance.id)) apply(instance, *settings);
  return takesSettings(instance.connector).value_or(true);
}

// WhatsApp does not tell of a call that the instance itself has rejected.
void SettingsEffects::reject(const Instance& instance, const Event& event) {
  const std::string call = textAt(event.data, "/callId"), caller = textAt(event.data, "/from/jid");
  if (call.empty() || caller.empty() || !isNews(instance.id, call)) return;
  if (!ask(instance, "call.reject", {{"callId", call}, {"chat", caller}}))
    return rings(instance.id, call);
  Json data = event.data;
  for (const char* key : {"type", "status"}) data.as_object()[key] = "rejected";
  data.as_object()["timestamp"] = rfc3339(host_.clock().now());
  data.as_object()["autoRejected"] = true;
  host_.events().publish({{.type = "call.update",
                           .instance = instance.id,
                           .chat = event.chat,
                           .data = std::move(data)}});
  const auto settings = host_.settings().load(instance.id).value_or(Json());
  const auto message = Fields(settings).get<std::string>("callRejectMessage", "");
  if (!message.empty())
    ask(instance, "message.text",
        {{"chat", caller}, {"message", message}, {"linkPreview", false}, {"source", "api"}});
}

void SettingsEffects::markRead(const Instance& instance, const Event& event) {
  ask(instance, "chat.markRead",
      {{"chat", textAt(event.data, "/chat/jid")},
       {"messageId", textAt(event.data, "/id")},
       {"sender", textAt(event.data, "/sender/jid")}});
}

void SettingsEffects::showOnline(const Instance& instance, bool online) {
  if (instance.status == "connected" && !actsItself(instance))
    ask(instance, "profile.presence", {{"available", online}});
}

bool SettingsEffects::ask(const Instance& instance, const std::string& operation,
                          const Json& arguments) try {
  host_.perform(instance, operation, arguments);
  return true;
} catch (const Error& error) {
  notApplied(instance, operation, error);
  return false;
}

void SettingsEffects::notApplied(const Instance& instance, const std::string& operation,
                                 const Error& error) {
  host_.metrics().count("not_applied", 1);
  host_.log().write(
      Level::debug, "A setting was not applied",
      {{"instance", instance.id.value}, {"operation", operation}, {"reason", error.what()}});
}

bool SettingsEffects::isNews(const InstanceId& id, const std::string& call) {
  const std::lock_guard lock(mutex_);
  auto& known = calls_[id];
  if (std::find(known.begin(), known.end(), call) != known.end()) return false;
  known.push_back(call);
  if (known.size() > kCallsKnown) known.pop_front();
  return true;
}

// What tells of the same call next may have more luck.
void SettingsEffects::rings(const InstanceId& id, const std::string& call) {
  const std::lock_guard lock(mutex_);
  std::erase(calls_[id], call);
}

void SettingsEffects::forget(const InstanceId& id) {
  const std::lock_guard lock(mutex_);
  calls_.erase(id);
}

}  // namespace pombo
