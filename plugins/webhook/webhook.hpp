// What is kept of one webhook, but for its secrets, and of all of an instance.
#pragma once

#include <boost/json.hpp>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

struct Webhook {
  bool enabled = false;
  std::string url = {};  // empty while it is not enabled
  bool byEvents = false;
  std::vector<std::string> events = {};  // empty: all
  bool mediaBase64 = false;
  // Of its secrets: each change seals them anew, under another name. Whoever has read a row opens
  // what was sealed with it, and can not send a new credential to an old address.
  std::int64_t version = 0;

  bool wants(const std::string& event) const;
};

using Webhooks = std::map<std::string, Webhook>;  // by label

boost::json::value documentOf(const Webhooks&);
Webhooks webhooksIn(const boost::json::value& document);
