// One attempt to deliver an event, as it goes out.
#pragma once

#include <boost/json.hpp>
#include <map>
#include <string>

#include "webhook.hpp"
#include "webhook_secrets.hpp"

struct Posting {
  std::string url = {};
  std::map<std::string, std::string> headers = {};  // keys in lower case
  std::string body = {};
};

// Of an envelope with its "event", "id" and "instanceData"; signed as of `now`.
Posting postingOf(const Webhook&, const WebhookSecrets&, const boost::json::value& envelope,
                  int attempt, std::chrono::system_clock::time_point now);

// Where an event goes: with byEvents to an address of its own, before any query.
std::string addressFor(const Webhook&, const std::string& event);
