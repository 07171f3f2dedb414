#include "webhook_secrets.hpp"

#include <botan/base64.h>
#include <botan/system_rng.h>

#include <boost/json.hpp>

namespace {

using Milliseconds = std::chrono::milliseconds;

std::string textAt(const boost::json::object& from, const char* key) {
  const auto* value = from.if_contains(key);
  return value ? boost::json::value_to<std::string>(*value) : std::string();
}

}  // namespace

std::string WebhookSecrets::newKey() {
  return "whsec_" + Botan::base64_encode(Botan::system_rng().random_vec(32));
}

void WebhookSecrets::rotate(TimePoint now) {
  formerKey = std::exchange(key, newKey());
  formerKeyUntil = now + kOverlap;
}

void WebhookSecrets::dropExpired(TimePoint now) {
  if (formerKeyUntil > now) return;
  formerKey.clear();
  formerKeyUntil = {};
}

std::vector<std::string> WebhookSecrets::keys(TimePoint now) const {
  if (formerKey.empty() || formerKeyUntil <= now) return {key};
  return {key, formerKey};
}

std::string WebhookSecrets::text() const {
  boost::json::object all{{"key", key}};
  if (authorization) all["authorization"] = *authorization;
  if (!formerKey.empty()) {
    all["formerKey"] = formerKey;
    all["formerKeyUntil"] =
        std::chrono::duration_cast<Milliseconds>(formerKeyUntil.time_since_epoch()).count();
  }
  return serialize(all);
}

WebhookSecrets WebhookSecrets::from(const std::string& text) {
  const auto parsed = boost::json::parse(text);
  const auto& all = parsed.as_object();
  WebhookSecrets secrets{.key = textAt(all, "key"), .formerKey = textAt(all, "formerKey")};
  if (all.contains("authorization")) secrets.authorization = textAt(all, "authorization");
  if (const auto* until = all.if_contains("formerKeyUntil"))
    secrets.formerKeyUntil = TimePoint(Milliseconds(until->to_number<std::int64_t>()));
  return secrets;
}
