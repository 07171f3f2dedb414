#include "http/audit_trail.hpp"

#include "storage/session.hpp"

namespace pombo {
namespace {

constexpr std::size_t kMostKeys = 12;

// Of a path: whatever a client has written. No name is longer.
std::string written(const std::string& text) {
  return text.size() <= 400 && isText(text) ? text : "";
}

std::string routeOf(const Call& call) { return call.match.route ? call.route().path : "none"; }

void addCaller(const Call& call, boost::json::object& line) {
  if (call.admin) line["by"] = "admin";
  if (!call.caller) return;
  line["by"] = call.caller->instance ? "instance" : "account";
  line["account"] = call.caller->account.id.value;
  line["accountName"] = call.caller->account.name;
  if (!call.caller->instance) return;
  line["instance"] = call.caller->instance->id.value;
  line["instanceName"] = call.caller->instance->name;
}

// What was refused for its rate is not; nor is what no limit bounds, or what was turned away before
// anyone asked who it is.
bool isTold(const Call& call, int status) {
  if (status == 401) return !call.match.route || call.route().bucket != Bucket::none;
  if (!call.match.route || call.match.route->audit.empty() || status == 429) return false;
  return status != 503 || call.caller || call.admin;
}

// The instance or the account of the path, unless the answer has shown it.
void addTarget(const Call& call, boost::json::object& line) {
  if (const auto* made = call.made.if_object())
    for (const auto& [key, value] : *made) line.emplace(key, value);
  if (call.instance) line.emplace("instance", call.instance->id.value);
  line.emplace("instanceName", call.instance ? call.instance->name : written(call.instanceName));
  if (call.admin)
    if (const auto id = call.match.params.find("id"); id != call.match.params.end())
      line.emplace("account", written(id->second));
}

}  // namespace

const char* outcomeOf(int status) {
  if (status < 400) return "done";
  return status < 500 ? "refused" : "failed";
}

void AuditTrail::learn(Call& call, const HttpReply& reply) const {
  if (call.match.route->audit.empty() || !reply.body.is_object()) return;
  boost::json::object made;
  for (const char* kind : {"instance", "account"}) {
    const auto* shown = reply.body.get_object().if_contains(kind);
    if (!shown || !shown->is_object()) continue;
    const auto& object = shown->get_object();
    if (const auto* id = object.if_contains("id")) made[kind] = *id;
    if (const auto* name = object.if_contains("name")) made[std::string(kind) + "Name"] = *name;
  }
  call.made = std::move(made);
}

void AuditTrail::tell(const Call& call, int status) const {
  if (!isTold(call, status)) return;
  unsigned char memory[2048];
  boost::json::monotonic_resource resource(memory);
  boost::json::object line(kMostKeys, &resource);
  line["request"] = call.head->id;
  line["remote"] = call.remote;
  line["status"] = status;
  if (status == 401) {
    line["route"] = routeOf(call);
    line["token"] = call.tokenPlace;
    return log_.write("token.failure", "refused", std::move(line));
  }
  addCaller(call, line);
  addTarget(call, line);
  log_.write(call.match.route->audit, outcomeOf(status), std::move(line));
}

void AuditTrail::tellOverrun(const Call& call) const {
  if (!call.match.route || call.match.route->audit.empty()) return;
  log_.write(call.match.route->audit, "failed",
             {{"request", call.head->id}, {"remote", call.remote}, {"status", 500}});
}

}  // namespace pombo
