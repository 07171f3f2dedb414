#include "replies.hpp"

namespace {

using Json = boost::json::value;

Json rowSchema() {
  return boost::json::parse(R"json({
    "type": "object",
    "required": ["label", "enabled", "url", "authorization", "byEvents", "events", "mediaBase64",
                 "secret"],
    "properties": {
      "label": {"type": "string"},
      "enabled": {"type": "boolean"},
      "url": {"type": ["string", "null"]},
      "authorization": {"type": ["string", "null"]},
      "byEvents": {"type": "boolean"},
      "events": {"type": "array", "items": {"type": "string"}},
      "mediaBase64": {"type": "boolean"},
      "secret": {"type": ["string", "null"], "pattern": "^whsec_",
                 "description": "Signs what is posted."}}})json");
}

Json deliverySchema() {
  return boost::json::parse(R"json({
    "type": "object",
    "required": ["id", "eventId", "event", "label", "url", "status", "attempts", "lastStatusCode",
                 "lastError", "reason", "createdAt", "lastAttemptAt", "nextAttemptAt"],
    "properties": {
      "id": {"type": "string"},
      "eventId": {"type": "string", "description": "Sent as webhook-id."},
      "event": {"type": "string"},
      "label": {"type": "string"},
      "url": {"type": ["string", "null"],
              "description": "Where the label is delivered to now; null while it is disabled."},
      "status": {"enum": ["pending", "delivered", "dead"]},
      "attempts": {"type": "integer"},
      "lastStatusCode": {"type": ["integer", "null"]},
      "lastError": {"type": ["string", "null"]},
      "reason": {"type": ["string", "null"], "description": "Why it is dead."},
      "createdAt": {"type": "string", "format": "date-time"},
      "lastAttemptAt": {"type": ["string", "null"], "format": "date-time"},
      "nextAttemptAt": {"type": ["string", "null"], "format": "date-time",
                        "description": "Of a pending one that has been attempted."}}})json");
}

Json testedSchema() {
  return boost::json::parse(R"json({
    "type": "object",
    "required": ["accepted", "url", "statusCode", "durationMs", "body", "error"],
    "properties": {
      "accepted": {"type": "boolean"},
      "url": {"type": "string"},
      "statusCode": {"type": ["integer", "null"]},
      "durationMs": {"type": "integer"},
      "body": {"type": "string", "description": "The first 4 KiB of the answer."},
      "error": {"type": ["string", "null"], "description": "Why there was no answer."}}})json");
}

// Of an answer with these keys beside its message.
Json replyWith(const Json& message, const boost::json::object& more) {
  boost::json::object properties{{"success", {{"const", true}}}, {"message", message}};
  boost::json::array required{"success", "message"};
  for (const auto& [key, schema] : more) {
    properties[key] = schema;
    required.emplace_back(key);
  }
  return {
      {"type", "object"}, {"required", std::move(required)}, {"properties", std::move(properties)}};
}

Json listOf(const Json& items) { return {{"type", "array"}, {"items", items}}; }

const Json kText{{"type", "string"}};

}  // namespace

Json rowOf(const std::string& label, const Webhook& webhook,
           const std::optional<WebhookSecrets>& secrets) {
  const bool authorized = secrets && secrets->authorization;
  return {{"label", label},
          {"enabled", webhook.enabled},
          {"url", webhook.enabled ? Json(webhook.url) : Json()},
          {"authorization", authorized ? Json(*secrets->authorization) : Json()},
          {"byEvents", webhook.byEvents},
          {"events", boost::json::value_from(webhook.events)},
          {"mediaBase64", webhook.mediaBase64},
          {"secret", secrets ? Json(secrets->key) : Json()}};
}

std::string counted(std::size_t count, const char* one, const char* more) {
  return std::to_string(count) + " " + (count == 1 ? one : more);
}

Json replyOfSet() { return replyWith({{"const", kConfigured}}, {{"webhook", rowSchema()}}); }

Json replyOfGet() {
  return {{"oneOf",
           {replyWith({{"const", kAll}}, {{"webhooks", listOf(rowSchema())}}),
            replyWith({{"const", kOne}}, {{"webhook", rowSchema()}})}}};
}

Json replyOfDeliveries() {
  return replyWith(kText, {{"deliveries", listOf(deliverySchema())},
                           {"nextCursor", {{"type", {"string", "null"}}}}});
}

Json replyOfRedeliver() {
  return replyWith(kText, {{"queued", {{"type", "integer"}}}, {"skipped", listOf(kText)}});
}

Json replyOfTest() {
  return replyWith({{"enum", {kAccepted, kNotAccepted}}}, {{"delivery", testedSchema()}});
}
