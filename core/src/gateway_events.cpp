#include "gateway_events.hpp"

#include "gateway_options.hpp"
#include "instance/identity.hpp"
#include "instance/settings_block.hpp"

namespace pombo {
namespace {

std::string chatOf(const Event& event) {
  boost::json::error_code none;
  const auto* const jid = event.data.find_pointer("/chat/jid", none);
  return jid && jid->is_string() ? std::string(jid->get_string()) : event.chat;
}

bool isOfHistory(const Event& event) {
  const auto* const mark = event.data.get_object().if_contains("isHistory");
  return mark && mark->is_bool() && mark->get_bool();
}

// The setting that has a say in events of this chat.
const char* settingFor(const Event& event) {
  if (event.type != "message.exchange" && event.type != "message.status") return nullptr;
  const std::string chat = chatOf(event);
  if (chat.ends_with("@g.us")) return "ignoreGroupMessages";
  return chat == "status@broadcast" ? "ignoreStatus" : nullptr;
}

}  // namespace

MessageShape messageShapeOf(const Config& config) {
  return textAt(config.events, "messageShape") == "catalog" ? MessageShape::catalogue
                                                            : MessageShape::live;
}

EventsOptions eventsOptionsOf(const Config& config, const std::string& userAgent) {
  constexpr Millis kHour = 3'600'000;
  EventsOptions options;
  options.includeToken = config.events.at("includeToken").as_bool();
  options.messageShape = messageShapeOf(config);
  options.limits.queueDeliveries = numberAt(config.events, "queueDeliveries");
  options.limits.queueBytes = numberAt(config.events, "queueMb") << 20;
  options.limits.inFlight = static_cast<int>(numberAt(config.events, "inFlight"));
  options.retention.delivered = numberAt(config.events, "deliveredHours") * kHour;
  options.retention.dead = numberAt(config.events, "deadDays") * 24 * kHour;
  // However many media of an instance hang, others of its chats go on meanwhile.
  options.limits.preparing = 64;
  options.userAgent = userAgent;
  return options;
}

std::string GatewaySurroundings::newId() const { return pombo::newId(); }

StoredInstance GatewaySurroundings::instance(const InstanceId& id) const {
  auto stored = instances_.find(id);
  if (!stored) throw Error(Code::notFound, "Instance not found");
  return std::move(*stored);
}

Addressee GatewaySurroundings::addressee(const InstanceId& id, bool withToken) const {
  const auto stored = instance(id);
  Addressee shown{stored.instance.name, {}};
  if (!withToken) return shown;
  if (const auto token = instances_.tokenOf(stored)) shown.token = token->reveal();
  return shown;
}

bool GatewaySurroundings::isUnwanted(const Event& event) const {
  const char* const setting = settingFor(event);
  if (!setting) return false;
  const auto row = blocks_.load(event.instance, SettingsBlock::kName, Secrets::sealed);
  if (!row.document) return false;
  const Json settings = boost::json::parse(*row.document);
  const auto* const value =
      settings.is_object() ? settings.get_object().if_contains(setting) : nullptr;
  return value && value->is_bool() && value->get_bool();
}

bool GatewaySurroundings::isInner(const Event& event) const {
  return isOfHistory(event) && (!history_ || event.type != "message.exchange");
}

}  // namespace pombo
