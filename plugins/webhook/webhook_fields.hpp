// What clients and the operator may say to the block: tables, and what is read from them.
#pragma once

#include "pombo/event.hpp"
#include "pombo/fields.hpp"
#include "pombo/http.hpp"
#include "webhook.hpp"

inline constexpr auto kDefaultLabel = "default";
// Unless the operator says otherwise.
inline constexpr int kMaxInFlight = 8;
inline constexpr std::int64_t kMaxEnabled = 3;
inline constexpr std::chrono::seconds kTimeout{15};  // of an attempt
inline constexpr std::size_t kMaxRows = 20;

// A create request and the webhook's own route say the same in other words.
struct WebhookWords {
  const char* enabled;
  const char* url;
  const char* urlAlias;
  const char* authorization;
  const char* byEvents;
  const char* events;
  const char* mediaBase64;
};
inline constexpr WebhookWords kInline{
    .enabled = "webhookEnabled",
    .url = "webhookURL",
    .urlAlias = "webhookUrl",
    .authorization = "webhookAuthorization",
    .byEvents = "webhookByEvents",
    .events = "webhookEvents",
    .mediaBase64 = "webhookMediaBase64",
};
inline constexpr WebhookWords kOwn{
    .enabled = "enabled",
    .url = "url",
    .urlAlias = "",
    .authorization = "authorization",
    .byEvents = "byEvents",
    .events = "events",
    .mediaBase64 = "mediaBase64",
};

std::vector<pombo::Field> webhookFields(const WebhookWords&);
std::vector<pombo::Field> webhookOptions();
pombo::Field labelField(const pombo::Json& fallback);
std::vector<pombo::Field> bodyOfSet();
std::vector<pombo::Field> queryOfDeliveries();
std::vector<pombo::Field> bodyOfRedeliver();

// What a client wants of one label.
struct Wish {
  Webhook webhook;
  std::optional<std::string> authorization;
  bool rotate = false;
};
Wish wishIn(const pombo::Fields&, const WebhookWords&);

// `ids`, or all that is dead of a label since then; throws Error{invalid} when it is neither.
pombo::DeliveryQuery redeliveryIn(const pombo::HttpRequest&, const std::vector<std::string>& ids);
