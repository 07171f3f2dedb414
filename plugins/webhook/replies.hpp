// What the routes answer: sentences, shapes, and the schemas that describe them.
#pragma once

#include <boost/json.hpp>
#include <optional>
#include <string>

#include "webhook.hpp"
#include "webhook_secrets.hpp"

inline constexpr auto kConfigured = "Webhook configured successfully";
inline constexpr auto kOne = "Webhook retrieved successfully";
inline constexpr auto kAll = "Webhooks retrieved successfully";
inline constexpr auto kAccepted = "Test event delivered";
inline constexpr auto kNotAccepted = "Test event was not accepted";

// Secrets that cannot be opened show as null.
boost::json::value rowOf(const std::string& label, const Webhook&,
                         const std::optional<WebhookSecrets>&);
// "1 Delivery found", "2 Deliveries found"
std::string counted(std::size_t count, const char* one, const char* more);

// JSON Schemas, each of one route's success.
boost::json::value replyOfSet();
boost::json::value replyOfGet();
boost::json::value replyOfDeliveries();
boost::json::value replyOfRedeliver();
boost::json::value replyOfTest();
