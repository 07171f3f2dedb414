#include "webhook.hpp"

#include <algorithm>

using boost::json::value_to;

bool Webhook::wants(const std::string& event) const {
  return enabled &&
         (events.empty() || std::find(events.begin(), events.end(), event) != events.end());
}

boost::json::value documentOf(const Webhooks& webhooks) {
  boost::json::object document;
  for (const auto& [label, webhook] : webhooks)
    document[label] = {
        {"enabled", webhook.enabled},         {"url", webhook.url},
        {"byEvents", webhook.byEvents},       {"events", boost::json::value_from(webhook.events)},
        {"mediaBase64", webhook.mediaBase64}, {"version", webhook.version}};
  return document;
}

Webhooks webhooksIn(const boost::json::value& document) {
  Webhooks webhooks;
  for (const auto& [label, row] : document.as_object())
    webhooks[label] = {.enabled = row.at("enabled").as_bool(),
                       .url = value_to<std::string>(row.at("url")),
                       .byEvents = row.at("byEvents").as_bool(),
                       .events = value_to<std::vector<std::string>>(row.at("events")),
                       .mediaBase64 = row.at("mediaBase64").as_bool(),
                       .version = row.at("version").to_number<std::int64_t>()};
  return webhooks;
}
