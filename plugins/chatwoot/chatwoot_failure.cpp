#include "chatwoot_failure.hpp"

#include <boost/json.hpp>
#include <map>

namespace {

constexpr std::size_t kLongestText = 300;

std::string wordsFor(int status) {
  static const std::map<int, std::string> words{
      {301, "Moved Permanently"},   {302, "Found"},
      {303, "See Other"},           {307, "Temporary Redirect"},
      {308, "Permanent Redirect"},  {400, "Bad Request"},
      {401, "Unauthorized"},        {402, "Payment Required"},
      {403, "Forbidden"},           {404, "Not Found"},
      {405, "Method Not Allowed"},  {406, "Not Acceptable"},
      {408, "Request Timeout"},     {409, "Conflict"},
      {413, "Content Too Large"},   {422, "Unprocessable Content"},
      {429, "Too Many Requests"},   {500, "Internal Server Error"},
      {501, "Not Implemented"},     {502, "Bad Gateway"},
      {503, "Service Unavailable"}, {504, "Gateway Timeout"},
      {521, "Web Server Is Down"},  {522, "Connection Timed Out"},
      {526, "Invalid Certificate"}};
  const auto it = words.find(status);
  return it == words.end() ? "no explanation" : it->second;
}

// A message, or several of them.
std::string joined(const boost::json::value& value) {
  if (const auto* text = value.if_string()) return std::string(*text);
  std::string all;
  if (const auto* list = value.if_array())
    for (const auto& each : *list)
      if (const auto* text = each.if_string())
        all += (all.empty() ? "" : ", ") + std::string(*text);
  return all;
}

std::string messageIn(const std::string& body) {
  boost::json::error_code error;
  const auto answer = boost::json::parse(body, error);
  const auto* object = error ? nullptr : answer.if_object();
  if (!object) return {};
  for (const char* key : {"error", "message", "errors"})
    if (const auto* value = object->if_contains(key))
      if (auto text = joined(*value); !text.empty()) return text;
  return {};
}

std::string without(std::string text, const std::string& secret) {
  if (secret.empty()) return text;
  for (auto at = text.find(secret); at != text.npos; at = text.find(secret, at))
    text.replace(at, secret.size(), "***");
  return text;
}

// A secret that Chatwoot quotes is gone by now: a cut through it would leave a part.
std::string onOneLine(const std::string& text) {
  std::string line;
  std::size_t characters = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte & 0xc0) != 0x80 && ++characters > kLongestText) break;
    line.push_back(byte < 0x20 || byte == 0x7f ? ' ' : c);
  }
  return line;
}

}  // namespace

std::string textOfAnswer(int status, const std::string& body,
                         const std::vector<std::string>& secrets) {
  std::string text = messageIn(body);
  for (const auto& secret : secrets) text = without(std::move(text), secret);
  text = onOneLine(text);
  return text.find_first_not_of(' ') == text.npos ? wordsFor(status) : text;
}

std::string shownFailure(const ChatwootFailure& failure, const ChatwootAccount& account) {
  const std::string text = failure.what();
  const std::string returned = "Chatwoot API returned " + std::to_string(failure.status) + " - ";
  switch (failure.status) {
    case 0:
      return "Chatwoot is unreachable - verify chatwootBaseUrl. Detail: " + text;
    case 401:
      return returned + "verifique o chatwootApiToken";
    case 403:
      return returned + "verify that the token has admin scope on account " +
             std::to_string(account.id);
    case 404:
      return returned + "verify chatwootBaseUrl and chatwootAccountId";
    default:
      return returned + text;
  }
}

RouteFailure answeredFailure(const ChatwootFailure& failure, const ChatwootAccount& account) {
  const std::string detail = std::string(". Detail: ") + failure.what();
  const std::string id = std::to_string(account.id);
  switch (failure.status) {
    case 401:
      return {401, "Chatwoot rejected the API token - verify chatwootApiToken" + detail};
    case 403:
      return {403,
              "Chatwoot denied the request - verify the API token has admin scope on account " +
                  id + detail};
    case 404:
      return {400, "Chatwoot account or endpoint not found - verify chatwootBaseUrl (" +
                       account.baseUrl + ") and chatwootAccountId (" + id + ")" + detail};
    case 422:
      return {400,
              "Chatwoot rejected the request as invalid - verify inboxName and chatwootAccountId" +
                  detail};
    default:
      break;
  }
  if (failure.status == 0 || failure.status >= 500)
    return {502, "Chatwoot is unreachable - verify chatwootBaseUrl" + detail};
  return {502, shownFailure(failure, account)};  // it was reached, and is no Chatwoot as we know it
}
