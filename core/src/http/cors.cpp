#include "http/cors.hpp"

#include <stdexcept>

#include "http/reply.hpp"
#include "net/origin.hpp"

namespace pombo {
namespace {

constexpr auto kOrigin = "access-control-allow-origin";
constexpr auto kExposed = "access-control-expose-headers";
constexpr auto kExposedHeaders =
    "X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, Retry-After";

bool holds(const RequestHead& head, const std::string& name) {
  const auto it = head.headers.find(name);
  return it != head.headers.end() && !it->second.empty();
}

std::set<std::string> originsIn(const std::string& key, const std::vector<std::string>& given) {
  std::set<std::string> all;
  for (const auto& each : given) {
    const auto origin = each == "*" ? std::optional(each) : originOf(each);
    if (!origin)
      throw std::runtime_error(key + ": '" + each + "' is neither scheme://host[:port] nor *");
    all.insert(*origin);
  }
  return all;
}

}  // namespace

Cors::Cors(const std::vector<std::string>& origins, const std::vector<std::string>& sockets,
           const Accounts& accounts)
    : accounts_(accounts),
      origins_(originsIn("http.origins", origins)),
      socketOrigins_(originsIn("websocket.origins", sockets)) {}

void Cors::own(const std::string& baseUrl) {
  const auto origin = originOfUrl(baseUrl);
  if (!origin) return;
  origins_.insert(*origin);
  socketOrigins_.insert(*origin);
}

bool Cors::isPreflight(const RequestHead& head) {
  return head.method == "OPTIONS" && holds(head, "origin") &&
         holds(head, "access-control-request-method");
}

void Cors::begin(Call& call, const RequestHead& head, const ServedRoute* route) const {
  if (!holds(head, "origin")) return;
  call.origin = head.headers.at("origin");
  call.page = originOf(call.origin).value_or("");
  call.originWelcome =
      (route && route->anyOrigin) || origins_.contains("*") || origins_.contains(call.page);
}

void Cors::check(Call& call) const {
  if (call.origin.empty() || call.originWelcome) return;
  // Sockets have a list of their own, and browsers ask for no headers there.
  if (call.match.route && call.match.route->socket) return;
  if (call.caller)
    call.originAllowed = accounts_.allows(call.caller->account.id, call.page);
  else if (!call.admin)
    call.originAllowed = accounts_.anyAllows(call.page);
  if ((call.caller || call.admin) && !call.originAllowed)
    throw Error(Code::forbidden, "Origin is not allowed");
}

void Cors::checkSocket(const Call& call) const {
  if (call.origin.empty() || !call.match.route || !call.match.route->socket) return;
  if (!socketOrigins_.contains("*") && !socketOrigins_.contains(call.page))
    throw Error(Code::forbidden, "Origin is not allowed");
}

Answer Cors::preflight(Call& call) const {
  call.originAllowed = call.originWelcome || accounts_.anyAllows(call.page);
  Answer answer = answerOf(HttpReply{.status = 204, .bytes = ""});
  if (!call.originAllowed) return answer;
  answer.headers["access-control-allow-methods"] = "GET, POST, PUT, DELETE, OPTIONS";
  answer.headers["access-control-allow-headers"] = "Content-Type, Authorization, token, apikey";
  answer.headers["access-control-max-age"] = "600";
  return answer;
}

Headers Cors::early(const Call& call) {
  if (!call.originWelcome) return {};
  return {{kOrigin, call.origin}, {kExposed, kExposedHeaders}};
}

void Cors::addTo(const Call& call, Answer& answer) {
  if (!call.originWelcome && !call.originAllowed) return;
  answer.headers[kOrigin] = call.origin;
  answer.headers[kExposed] = kExposedHeaders;
}

}  // namespace pombo
