#include "http/server_routes.hpp"

#include <algorithm>
#include <stdexcept>

#include "http/authentication.hpp"
#include "instance/identity.hpp"
#include "storage/secret.hpp"

namespace pombo {
namespace {

Route probe(const std::string& path, const std::string& summary, const Json& reply) {
  return {.path = path,
          .access = Access::open,
          .summary = summary,
          .reply = reply,
          .bucket = Bucket::none};
}

constexpr auto kHealth = R"json({
  "type": "object",
  "required": ["status", "service", "uptime", "timestamp", "checks"],
  "properties": {
    "status": {"enum": ["ok", "degraded"]},
    "service": {"const": "Pombo"},
    "uptime": {"type": "string", "pattern": "^([0-9]+h)?([0-9]+m)?[0-9]+s$"},
    "timestamp": {"type": "string", "format": "date-time"},
    "checks": {"type": "object", "required": ["db"],
               "additionalProperties": {"type": "string", "pattern": "^(ok|fail: [^]+)$"}}}})json";

Json statusSchema(const boost::json::array& words) {
  return {{"type", "object"},
          {"required", boost::json::array{"status"}},
          {"properties", {{"status", {{"enum", words}}}}}};
}

HttpReply ready(Health::Phase phase) {
  switch (phase) {
    case Health::Phase::starting:
      return {.status = 503, .body = {{"status", "starting"}}};
    case Health::Phase::draining:
      return {.status = 503, .body = {{"status", "draining"}}};
    case Health::Phase::ready:
      break;
  }
  return {.body = {{"status", "ready"}}};
}

std::vector<Cidr> networksOf(const std::vector<std::string>& entries) {
  std::vector<Cidr> networks;
  for (const auto& entry : entries) {
    const auto cidr = cidrOf(entry);
    if (!cidr) throw std::runtime_error("metrics.allow: '" + entry + "' is not a CIDR");
    networks.push_back(*cidr);
  }
  return networks;
}

bool mayScrape(const HttpRequest& request, const std::vector<Cidr>& networks,
               const std::string& token) {
  const auto address = addressOf(request.remote);
  if (address && std::any_of(networks.begin(), networks.end(),
                             [&](const Cidr& each) { return each.contains(*address); }))
    return true;
  const auto given = request.headers.find("authorization");
  return !token.empty() && given != request.headers.end() &&
         sameSecret(bearerIn(given->second), token);
}

}  // namespace

void Health::set(std::map<std::string, std::string> checks) {
  std::lock_guard lock(mutex_);
  checks_ = std::move(checks);
}

HttpReply Health::shown(TimePoint now) const {
  std::lock_guard lock(mutex_);
  const bool good = std::all_of(checks_.begin(), checks_.end(),
                                [](const auto& check) { return check.second == "ok"; });
  const auto uptime =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - began_);
  return {.status = good ? 200 : 503,
          .body = {{"status", good ? "ok" : "degraded"},
                   {"service", "Pombo"},
                   {"uptime", durationText(uptime)},
                   {"timestamp", rfc3339(now)},
                   {"checks", boost::json::value_from(checks_)}}};
}

std::string durationText(std::chrono::seconds time) {
  const auto total = time.count();
  std::string text = std::to_string(total % 60) + "s";
  if (total >= 60) text = std::to_string(total / 60 % 60) + "m" + text;
  if (total >= 3600) text = std::to_string(total / 3600) + "h" + text;
  return text;
}

void addServerRoutes(RouteTable& routes, const Health& health, Metrics& metrics,
                     const MetricsAccess& access, IClock& clock) {
  const Json shown = boost::json::parse(kHealth);
  routes.add({.route = probe("/health", "Whether everything works", shown),
              .handler = [&](const HttpRequest&) { return health.shown(clock.now()); },
              .notes = {.answers = {{503, shown}}},
              .anyOrigin = true});
  routes.add({.route = probe("/healthz", "Whether the process serves", statusSchema({"ok"})),
              .handler = [](const HttpRequest&) -> HttpReply {
                return {.body = {{"status", "ok"}}};
              },
              .anyOrigin = true});
  routes.add({.route = probe("/readyz", "Whether to send requests here", statusSchema({"ready"})),
              .handler = [&](const HttpRequest&) { return ready(health.phase()); },
              .notes = {.answers = {{503, statusSchema({"starting", "draining"})}}},
              .anyOrigin = true});
  routes.add({.route = probe("/metrics", "Counters, for Prometheus",
                             {{"type", "string"}, {"contentMediaType", "text/plain"}}),
              .handler = [&metrics, token = access.token, networks = networksOf(access.allow)](
                             const HttpRequest& request) -> HttpReply {
                if (!mayScrape(request, networks, token))
                  throw Error(Code::unauthorized, "Invalid token");
                return {.bytes = metrics.text(),
                        .headers = {{"content-type", "text/plain; version=0.0.4; charset=utf-8"}}};
              },
              .notes = {.refusals = {Code::unauthorized}}});
}

void addPromisedRoutes(RouteTable& routes, const Registry& registry) {
  for (const auto& promise : registry.promises().routes) {
    if (routes.serves(promise.method, promise.path)) {
      if (!promise.audit.empty()) routes.audit(promise.method, promise.path, promise.audit);
      if (promise.several) routes.nameSeveral(promise.method, promise.path);
      continue;
    }
    const Block* block = registry.find(promise.block);
    const bool loaded = promise.block.empty() || (block && block->running());
    // A block that this release does not have at all is not missing from the operator's file.
    const BlockPromise* absent = loaded ? nullptr : registry.promises().find(promise.block);
    ServedRoute route{.route = {.method = promise.method, .path = promise.path},
                      .absence = Absence{.block = promise.block},
                      .audit = promise.audit};
    if (absent) {
      route.absence->code = Code::unavailable;
      route.absence->sentence = absent->routeNotLoaded;
    }
    routes.add(std::move(route));
  }
}

}  // namespace pombo
