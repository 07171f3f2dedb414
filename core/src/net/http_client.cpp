#include "net/http_client.hpp"

#include <curl/curl.h>

#include <algorithm>

#include "net/transfer.hpp"
#include "observe/request_scope.hpp"
#include "observe/waiting.hpp"

namespace pombo {
namespace {

std::chrono::milliseconds timeLeft(const OutgoingRequest& request) {
  auto left = request.timeout;
  if (const auto* scope = RequestScope::current())
    left = std::min(left, std::chrono::duration_cast<std::chrono::milliseconds>(
                              scope->deadline() - std::chrono::steady_clock::now()));
  if (left.count() <= 0) throw Error(Code::unavailable, "Timed out");
  return left;
}

void require(const Egress::Refusal& refusal) {
  if (refusal) throw Error(Code::invalid, "URL is not allowed: " + *refusal);
}

}  // namespace

void HttpClient::requireAllowed(const std::string& text) {
  const auto url = parseUrl(text);
  if (!url) throw Error(Code::invalid, "URL is not allowed: not an http or https URL");
  require(egress_.refusal(*url));
}

void HttpClient::requireAllowedProxy(const std::string& host) {
  require(egress_.refusalOfProxy(host));
}

IncomingReply HttpClient::send(const OutgoingRequest& request) {
  const auto proxy = request.through && proxyOf_ ? proxyOf_(*request.through) : std::nullopt;
  Transfer transfer(egress_, request, proxy, userAgent_, timeLeft(request));
  aboutToWait();
  return transfer.end(curl_easy_perform(transfer.handle()));
}

}  // namespace pombo
