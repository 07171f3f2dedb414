#include "webhook_fields.hpp"

#include <algorithm>

#include "rfc3339.hpp"

using namespace pombo;

namespace {

constexpr std::size_t kMaxIds = 1000;    // of one redelivery
constexpr int kMaxRedelivered = 10'000;  // of a label

}  // namespace

std::vector<Field> webhookFields(const WebhookWords& words) {
  return {{.name = words.enabled,
           .type = Type::boolean,
           .fallback = false,
           .doc = "Creates the webhook labelled 'default'."},
          {.name = words.url,
           .type = Type::url,
           .fallback = "",  // one that is missing reads as one that is no URL
           .doc = "Where events are posted; required when enabled.",
           .maxLength = 2048,
           .alias = words.urlAlias},
          {.name = words.authorization,
           .doc = "Sent verbatim as the Authorization header.",
           .secret = true,
           .maxLength = 4096,
           .text = Text::printable},
          {.name = words.byEvents,
           .type = Type::boolean,
           .fallback = false,
           .doc = "Each event type goes to a URL of its own: /<event> is appended."},
          eventsField(words.events, "Which events are posted; empty: all."),
          {.name = words.mediaBase64,
           .type = Type::boolean,
           .fallback = false,
           .doc = "Media are part of the event, in base64."}};
}

Field labelField(const Json& fallback) {
  return {.name = "label",
          .fallback = fallback,
          .doc = "Tells the webhooks of an instance apart.",
          .maxLength = 64,
          .text = Text::printable};
}

std::vector<Field> bodyOfSet() {
  std::vector<Field> body = webhookFields(kOwn);
  body.front().need = Need::always;
  body.front().doc = "Off keeps the label and its signing key, and clears the rest.";
  body.insert(body.begin(), labelField(kDefaultLabel));
  body.push_back({.name = "rotateSecret",
                  .type = Type::boolean,
                  .fallback = false,
                  .doc = "Makes another signing key; the former one signs too for 24 hours."});
  return body;
}

Wish wishIn(const Fields& fields, const WebhookWords& words) {
  if (!fields.require<bool>(words.enabled)) return {};
  return {.webhook = {.enabled = true,
                      .url = fields.require<std::string>(words.url),
                      .byEvents = fields.require<bool>(words.byEvents),
                      .events = fields.require<std::vector<std::string>>(words.events),
                      .mediaBase64 = fields.require<bool>(words.mediaBase64)},
          .authorization = fields.find<std::string>(words.authorization)};
}

std::vector<Field> queryOfDeliveries() {
  return {{.name = "status",
           .doc = "Only those that are so.",
           .choices = {"pending", "delivered", "dead"}},
          labelField(nullptr),
          {.name = "limit",
           .type = Type::integer,
           .fallback = 50,
           .doc = "Deliveries on a page.",
           .min = 1,
           .max = 200},
          {.name = "cursor", .doc = "nextCursor of the page before."}};
}

std::vector<Field> bodyOfRedeliver() {
  return {{.name = "ids",
           .type = Type::strings,
           .fallback = boost::json::array(),
           .doc = "Deliveries of any status, 1000 at most.",
           .distinct = true},
          labelField(nullptr),
          {.name = "since",
           .doc = "With label, instead of ids: dead deliveries created then or later, RFC 3339."}};
}

std::vector<Field> webhookOptions() {
  return {{.name = "maxInFlight",
           .type = Type::integer,
           .fallback = kMaxInFlight,
           .doc = "Deliveries of one webhook under way at once; 1 keeps strict order.",
           .min = 1,
           .max = 64},
          {.name = "maxEnabled",
           .type = Type::integer,
           .fallback = kMaxEnabled,
           .doc = "Webhooks that an instance may have enabled at once.",
           .min = 1,
           .max = kMaxRows},
          {.name = "timeoutSeconds",
           .type = Type::integer,
           .fallback = kTimeout.count(),
           .doc = "Seconds that a receiver has to answer.",
           .min = 1,
           .max = kTimeout.count()}};
}

DeliveryQuery redeliveryIn(const HttpRequest& request, const std::vector<std::string>& ids) {
  const Fields fields(request.fields);
  const auto label = fields.find<std::string>("label"), since = fields.find<std::string>("since");
  if (const auto& given = request.given;
      !label && std::find(given.begin(), given.end(), "label") != given.end())
    throw Error(Code::invalid, "The 'label' field must not be empty");
  if (ids.empty() ? !label || !since : label || since)
    throw Error(Code::invalid, "Either ids or label and since are required");
  if (ids.size() > kMaxIds)
    throw Error(Code::invalid, "The 'ids' field must be between 1 and " + std::to_string(kMaxIds));
  if (!since) return {.ids = ids, .limit = static_cast<int>(ids.size())};
  const auto time = timeIn(*since);
  if (!time) throw Error(Code::invalid, "The 'since' field must be an RFC 3339 timestamp");
  return {.destination = label,
          .status = DeliveryStatus::dead,
          .since = time,
          .limit = kMaxRedelivered};
}
