#include "integration.hpp"

#include <ctime>

#include "inbox_link.hpp"
#include "integration_identity.hpp"

namespace {

namespace json = boost::json;

std::string rfc3339(std::chrono::system_clock::time_point time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[32];
  return {text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

// The inbox may have been given another name in Chatwoot: what counts is what was asked for.
bool isSame(const Integration& known, const IntegrationWish& wish) {
  const auto& document = known.document;
  return document.is_object() && !known.secret.empty() &&
         document.at("baseUrl") == json::value(wish.account.baseUrl) &&
         document.at("accountId") == json::value(wish.account.id) &&
         document.at("wantedName") == json::value(wish.inboxName);
}

}  // namespace

Integration activated(const ChatwootClient& client, const IntegrationWish& wish,
                      const Integration& known, const std::string& callbacks,
                      const std::function<bool(const std::string& secret)>& taken,
                      std::chrono::system_clock::time_point now) {
  InboxWish inbox{wish.inboxName, callbacks, {}, known.secret};
  if (isSame(known, wish)) inbox.id = known.document.at("inboxId").as_int64();
  const auto link = linkInbox(client, inbox, taken);
  json::object document(wish.switches);
  document["status"] = "active";
  document["lastError"] = "";
  document["baseUrl"] = wish.account.baseUrl;
  document["accountId"] = wish.account.id;
  document["inboxId"] = link.inbox.id;
  document["inboxName"] = link.inbox.name;
  document["wantedName"] = wish.inboxName;
  if (link.isNew) {
    document["integrationId"] = newIntegrationId(now);
    document["createdAt"] = rfc3339(now);
  } else {
    for (const char* key : {"integrationId", "createdAt"}) document[key] = known.document.at(key);
  }
  return {std::move(document), link.secret};
}

json::value refreshed(const ChatwootClient& client, const ChatwootAccount& account,
                      const json::value& document,
                      const std::function<void(const std::string& reason)>& unanswered) {
  json::object now = document.as_object();
  try {
    now["inboxName"] = client.inbox(now.at("inboxId").as_int64()).name;
    now["status"] = "active";
    now["lastError"] = "";
  } catch (const ChatwootFailure& failure) {
    if (failure.isVerdict()) {
      now["status"] = "error";
      now["lastError"] = shownFailure(failure, account);
    } else {
      unanswered(shownFailure(failure, account));
    }
  }
  return now;
}

json::object summaryOf(const json::value& document) {
  json::object shown{{"enabled", document.is_object()}};
  for (const auto& [key, kept] : {std::pair("status", "status"),
                                  {"bridgeIntegrationId", "integrationId"},
                                  {"baseUrl", "baseUrl"},
                                  {"accountId", "accountId"},
                                  {"inboxName", "inboxName"}})
    shown[key] = document.is_object() ? document.at(kept) : json::value();
  return shown;
}

json::object listed(const json::value& document, const std::string& instance,
                    const json::value& token) {
  json::object shown{{"instance_name", instance}};
  for (const auto& [key, kept] : {std::pair("status", "status"),
                                  {"bridge_integration_id", "integrationId"},
                                  {"chatwoot_base_url", "baseUrl"},
                                  {"chatwoot_account_id", "accountId"}})
    shown[key] = document.at(kept);
  shown["chatwoot_api_token"] = token;
  for (const auto& [key, kept] : {std::pair("chatwoot_inbox_id", "inboxId"),
                                  {"chatwoot_inbox_name", "inboxName"},
                                  {"last_error", "lastError"},
                                  {"created_at", "createdAt"}})
    shown[key] = document.at(kept);
  for (const auto& each : kIntegrationSwitches) shown[each.listed] = document.at(each.name);
  return shown;
}
