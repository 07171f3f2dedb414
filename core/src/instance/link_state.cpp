#include "instance/link_state.hpp"

#include <algorithm>
#include <map>

#include "instance/identity.hpp"
#include "instance/qr_code.hpp"

namespace pombo {
namespace {

constexpr auto kType = "instance.state";
constexpr auto kOwnKeys = {"state", "timestamp", "instance", "status"};  // of the shape, in order

const Json* memberOf(const Json& data, std::string_view key) {
  const auto* object = data.if_object();
  return object ? object->if_contains(key) : nullptr;
}

std::string textIn(const Json& data, std::string_view key) {
  const auto* member = memberOf(data, key);
  const auto* text = member ? member->if_string() : nullptr;
  return text ? std::string(*text) : std::string();
}

bool isTrue(const Json& data, std::string_view key) {
  const auto* member = memberOf(data, key);
  return member && member->is_bool() && member->get_bool();
}

// Nothing: its meaning is not in its name alone, or it has none for the link.
std::string_view statusOf(std::string_view state) {
  static const std::map<std::string_view, std::string_view> statuses{
      {"qr_ready", "connecting"},
      {"qr_scanned_no_multidevice", "connecting"},
      {"pair_success", "connecting"},
      {"pair_error", "disconnected"},
      {"connected", "connected"},
      {"disconnected", "disconnected"},
      {"logged_out", "loggedout"},
      {"temp_banned", "banned"},
      {"client_outdated", "disconnected"},
      {"connect_failure", "disconnected"},
      {"stream_error", "connecting"},
      {"stream_replaced", "disconnected"},
      {"cat_refresh_error", "disconnected"},
      {"manual_reconnect", "connecting"}};
  const auto it = statuses.find(state);
  return it == statuses.end() ? std::string_view() : it->second;
}

// A reason is "406: text".
bool hasCode(const std::string& reason, const std::string& code) {
  return reason == code || reason.starts_with(code + ":");
}

bool isTold(const Json& data, std::string_view state, std::string_view reason) {
  return textIn(data, "state") == state && textIn(data, "reason") == reason;
}

std::string firstCodeIn(const Json& data) {
  const auto* codes = memberOf(data, "codes");
  const auto* array = codes ? codes->if_array() : nullptr;
  const auto* first = array && !array->empty() ? array->front().if_string() : nullptr;
  return first ? std::string(*first) : std::string();
}

}  // namespace

std::optional<std::string> statusAfter(const Json& data) {
  const std::string state = textIn(data, "state");
  if (state == "disconnected" && isTrue(data, "reconnecting")) return "connecting";
  if (state == "logged_out" && hasCode(textIn(data, "reason"), "406")) return "banned";
  const auto status = statusOf(state);
  return status.empty() ? std::nullopt : std::optional(std::string(status));
}

std::string numberAfter(const Json& data) {
  const std::string state = textIn(data, "state");
  return state == "connected" || state == "pair_success" ? textIn(data, "jid") : "";
}

std::optional<TimePoint> banEndIn(const Json& data) {
  if (textIn(data, "state") != "temp_banned") return std::nullopt;
  return timeIn(textIn(data, "expiresAt"));
}

std::optional<LinkOutcome> outcomeOf(const Json& data) {
  const std::string state = textIn(data, "state");
  if (const auto code = textIn(data, "pairingCode"); state == "qr_ready" && !code.empty())
    return LinkOutcome{Link{Link::Kind::pairing, code}};
  if (state == "qr_ready") return LinkOutcome{Link{Link::Kind::qr, firstCodeIn(data)}};
  const auto status = statusAfter(data);
  if (!status || status == kConnecting) return std::nullopt;
  if (status == kConnected) return LinkOutcome{Link{Link::Kind::connected}};
  const std::string reason = textIn(data, "reason");
  return LinkOutcome{{}, reason.empty() ? state : reason};
}

Json completed(const Json& data, const Instance& after, TimePoint now) {
  const std::string when = textIn(data, "timestamp");
  boost::json::object whole{{"state", textIn(data, "state")},
                            {"timestamp", when.empty() ? rfc3339(now) : when},
                            {"instance", after.name},
                            {"status", after.status}};
  if (const auto* given = data.if_object())
    for (const auto& [key, value] : *given)
      if (std::find(kOwnKeys.begin(), kOwnKeys.end(), key) == kOwnKeys.end()) whole[key] = value;
  if (const auto picture = qrDataUrl(firstCodeIn(data))) whole["qrCodeBase64"] = *picture;
  return whole;
}

void LinkStates::complete(std::vector<Event>& events) const {
  std::vector<InstanceId> ids;
  for (const auto& event : events)
    if (event.type == kType) ids.push_back(event.instance);
  if (ids.empty()) return;
  auto known = instances_.find(ids);
  for (auto& event : events) {
    if (event.type != kType) continue;
    const auto it = known.find(event.instance);
    if (it == known.end()) continue;
    Instance& instance = it->second.instance;
    if (auto status = statusAfter(event.data)) instance.status = std::move(*status);
    event.data = completed(event.data, instance, clock_.now());
  }
}

void LinkStates::apply(Session& session, const std::vector<Event>& events) const {
  for (const auto& event : events) {
    if (event.type != kType) continue;
    requireTrue(session, event);
    if (const auto status = statusAfter(event.data))
      InstanceStore::link(session, event.instance, *status, numberAfter(event.data),
                          banEndIn(event.data), clock_.now());
  }
}

// Two may find at once that a code was not scanned, and one that it was.
void LinkStates::requireTrue(Session& session, const Event& event) const {
  if (closed_ && !isTold(event.data, "disconnected", "shutdown"))
    throw Error(Code::unavailable, "Server is shutting down");
  if (isTold(event.data, "disconnected", "pairing_timeout") &&
      InstanceStore::lockedStatus(session, event.instance) != kConnecting)
    throw Error(Code::conflict, "The instance is not connecting any more");
}

void LinkStates::close(Database& database) {
  try {
    database.commit([this](Session&) { closed_ = true; });
  } catch (const StorageError&) {
    closed_ = true;  // nothing is accepted anyway
  }
}

}  // namespace pombo
