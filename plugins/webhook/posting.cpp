#include "posting.hpp"

#include <algorithm>
#include <cctype>

#include "signer.hpp"

namespace {

std::string textAt(const boost::json::value& object, const char* key) {
  return std::string(object.at(key).as_string());
}

std::string percentEncoded(const std::string& text) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x80 && std::isalnum(byte)) || std::string("-._~").find(c) != std::string::npos)
      out += c;
    else
      out += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
  }
  return out;
}

}  // namespace

std::string addressFor(const Webhook& webhook, const std::string& event) {
  if (!webhook.byEvents) return webhook.url;
  std::string url = webhook.url;
  const auto end = std::min(url.find_first_of("?#"), url.size());
  const bool slash = end > 0 && url[end - 1] == '/';
  return url.insert(end, (slash ? "" : "/") + event);
}

Posting postingOf(const Webhook& webhook, const WebhookSecrets& secrets,
                  const boost::json::value& envelope, int attempt,
                  std::chrono::system_clock::time_point now) {
  const auto event = textAt(envelope, "event"), id = textAt(envelope, "id");
  const auto timestamp = std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count();
  Posting posting{.url = addressFor(webhook, event), .body = serialize(envelope)};
  posting.headers = {
      {"content-type", "application/json"},
      {"webhook-id", id},
      {"webhook-timestamp", std::to_string(timestamp)},
      {"webhook-signature", signaturesOf(secrets.keys(now), id, timestamp, posting.body)},
      {"x-pombo-event", event},
      {"x-pombo-instance", percentEncoded(textAt(envelope.at("instanceData"), "instance"))},
      {"x-pombo-attempt", std::to_string(attempt)}};
  if (secrets.authorization) posting.headers["authorization"] = *secrets.authorization;
  return posting;
}
