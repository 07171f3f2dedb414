#include "chatwoot_client.hpp"

#include <boost/json.hpp>

namespace {

namespace json = boost::json;

// Something answers under this URL, and is no Chatwoot.
[[noreturn]] void refuseAnswer() {
  throw ChatwootFailure(200, "the answer is not that of a Chatwoot API");
}

json::value parsed(const std::string& body) {
  json::error_code error;
  auto value = json::parse(body, error);
  if (error) refuseAnswer();
  return value;
}

std::string textAt(const json::object& object, const char* key) {
  const auto* value = object.if_contains(key);
  const auto* text = value ? value->if_string() : nullptr;
  return text ? std::string(*text) : std::string();
}

ApiInbox inboxIn(const json::value& value) {
  const auto* object = value.if_object();
  const auto* id = object ? object->if_contains("id") : nullptr;
  const auto* number = id ? id->if_int64() : nullptr;
  if (!number) refuseAnswer();
  return {*number, textAt(*object, "name"), textAt(*object, "webhook_url")};
}

}  // namespace

std::string ChatwootClient::call(const std::string& method, const std::string& path,
                                 const std::string& body, const std::string& webhookUrl) const {
  ChatwootCall request{
      method,
      account_.baseUrl + "/api/v1/accounts/" + std::to_string(account_.id) + "/inboxes" + path,
      {{"api_access_token", account_.token}, {"accept", "application/json"}},
      body};
  if (!body.empty()) request.headers["content-type"] = "application/json";
  ChatwootAnswer answer = send_(request);
  if (answer.status >= 200 && answer.status < 300) return std::move(answer.body);
  throw ChatwootFailure(
      answer.status, textOfAnswer(answer.status, answer.body,
                                  {account_.token, webhookUrl.substr(webhookUrl.rfind('/') + 1)}));
}

std::vector<ApiInbox> ChatwootClient::inboxes() const {
  const auto answer = parsed(call("GET", ""));
  const auto* object = answer.if_object();
  const auto* payload = object ? object->if_contains("payload") : nullptr;
  const auto* list = payload ? payload->if_array() : nullptr;
  if (!list) refuseAnswer();
  std::vector<ApiInbox> found;
  for (const auto& each : *list)
    if (each.is_object() && textAt(each.get_object(), "channel_type") == "Channel::Api")
      found.push_back(inboxIn(each));
  return found;
}

ApiInbox ChatwootClient::inbox(std::int64_t id) const {
  return inboxIn(parsed(call("GET", "/" + std::to_string(id) + "/")));
}

ApiInbox ChatwootClient::create(const std::string& name, const std::string& webhookUrl) const {
  const json::value body{{"name", name},
                         {"channel", {{"type", "api"}, {"webhook_url", webhookUrl}}}};
  return inboxIn(parsed(call("POST", "/", serialize(body), webhookUrl)));
}

ApiInbox ChatwootClient::redirect(std::int64_t id, const std::string& webhookUrl) const {
  const json::value body{{"channel", {{"webhook_url", webhookUrl}}}};
  auto inbox =
      inboxIn(parsed(call("PATCH", "/" + std::to_string(id), serialize(body), webhookUrl)));
  if (inbox.webhookUrl != webhookUrl)  // as old ones do, with nothing but success to show for it
    throw ChatwootFailure(200, "the callback of inbox " + std::to_string(id) + " did not change");
  return inbox;
}
