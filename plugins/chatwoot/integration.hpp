// What links an instance to Chatwoot: asked for, made, kept and shown.
#pragma once

#include <boost/json.hpp>
#include <chrono>
#include <functional>
#include <string>

#include "chatwoot_client.hpp"

struct IntegrationSwitch {
  const char* field;   // in a create request, after the block's name
  const char* name;    // in the route's body, and as it is kept
  const char* listed;  // in the route's answer
  const char* doc;
};
inline constexpr IntegrationSwitch kIntegrationSwitches[] = {
    {"SignMessages", "signMessages", "sign_messages", "Agents' messages begin with their name."},
    {"IgnoreGroups", "ignoreGroups", "ignore_groups", "Group messages do not reach Chatwoot."},
    {"StartAsPending", "startAsPending", "start_as_pending", "New conversations are pending."},
    {"ReopenResolved", "reopenResolved", "reopen_resolved",
     "An incoming message reopens the contact's resolved conversation."}};

struct IntegrationWish {
  ChatwootAccount account;
  std::string inboxName;
  boost::json::object switches;  // by their names
  bool operator==(const IntegrationWish&) const = default;
};

struct Integration {
  boost::json::value document;  // null: there is none
  std::string secret;           // of its callback
};

// Asks Chatwoot for the inbox, and writes down what came of it. An integration with the same
// account and inbox stays what it was: its id, its age and its secret. `callbacks` is what our
// callbacks' URLs start with; `taken`, whether a secret is another instance's.
Integration activated(const ChatwootClient&, const IntegrationWish&, const Integration& known,
                      const std::string& callbacks,
                      const std::function<bool(const std::string& secret)>& taken,
                      std::chrono::system_clock::time_point now);

// With what Chatwoot says of the inbox now; as it was when it does not say.
boost::json::value refreshed(const ChatwootClient&, const ChatwootAccount&,
                             const boost::json::value& document,
                             const std::function<void(const std::string& reason)>& unanswered);

// As it stands in the answers about instances, and in the one of the route.
boost::json::object summaryOf(const boost::json::value& document);
boost::json::object listed(const boost::json::value& document, const std::string& instance,
                           const boost::json::value& token);
