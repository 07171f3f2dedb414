#include "http/admission.hpp"

#include <algorithm>
#include <set>

#include "instance/identity.hpp"
#include "observe/clock.hpp"

namespace pombo {
namespace {

constexpr auto kNoToken = "Missing token in header, Authorization header, or query parameter";
constexpr auto kMismatch = "Instance token does not match the requested instance";

std::chrono::seconds roundedUp(std::chrono::milliseconds time) {
  return std::max(std::chrono::seconds(1), std::chrono::ceil<std::chrono::seconds>(time));
}

bool isBlank(const std::string& text) { return text.find_first_not_of(" \t\r\n") == text.npos; }

// Those that the path is about, each once; none: it is blank.
std::vector<std::string> namesOf(const Call& call) {
  if (!call.match.route->several)
    return isBlank(call.instanceName) ? std::vector<std::string>() : std::vector{call.instanceName};
  const auto names = namesIn(call.instanceName);
  const std::set<std::string> once(names.begin(), names.end());
  return {once.begin(), once.end()};
}

// For what is not there, too: who has the token is no stranger.
bool isAdminPath(const std::string& path) {
  return path == "/api/admin" || path.starts_with("/api/admin/");
}

std::int64_t generalLimitOf(const Caller& caller) { return caller.account.generalLimit; }

std::string generalBucketOf(const Caller& caller) {
  return caller.instance ? "general:i:" + caller.instance->id.value
                         : "general:a:" + caller.account.id.value;
}

}  // namespace

void Admission::check(Call& call) {
  if (call.checked) return;
  if (call.match.route) {
    const auto name = call.match.params.find("instance");
    // A name that is not UTF-8 is nobody's; as it stands it is found nowhere.
    if (name != call.match.params.end())
      call.instanceName = normalized(name->second).value_or(name->second);
  }
  authenticate(call);
  cors_.check(call);
  cors_.checkSocket(call);
  requireOwnership(call);
  takeAllowance(call);
  if (!call.match.route)
    throw Error(Code::notFound, call.match.allowed.empty() ? "Not found" : "Method not allowed");
  findInstance(call);
  takePlace(call);
  call.checked = true;
}

void Admission::authenticate(Call& call) {
  const Route* route = call.match.route ? &call.route() : nullptr;
  if (route && route->access == Access::open) return;
  const bool forAdmin = route ? route->access == Access::admin : isAdminPath(call.path);
  // A query ends up in logs and histories: no place for the token that opens everything.
  const FoundToken found =
      tokenIn(*call.head, forAdmin ? "" : call.query, route ? route->tokenHeader : "");
  call.tokenPlace = found.place;
  if (route && call.match.route->socket) {
    if (found.token.empty()) failAuthentication(call, kNoToken);
    if (!forAdmin) call.tokenHash = authentication_.hashOf(found.token);
  }
  if (forAdmin) {
    call.admin = isAdmin(found.token);
    if (route && !call.admin) failAuthentication(call);
    if (call.admin || route) return;
  }
  call.caller = authentication_.callerOf(found.token);
  // An unknown route is told to anyone; it only costs strangers of their own allowance.
  if (!route) return;
  if (!call.caller) failAuthentication(call);
  if (route->access == Access::account && call.caller->instance) {
    call.caller.reset();
    failAuthentication(call);
  }
}

bool Admission::isAdmin(const Secret& token) const {
  return !options_.adminToken.empty() && sameSecret(token.reveal(), options_.adminToken);
}

void Admission::failAuthentication(Call& call, const char* sentence) {
  cors_.check(call);
  take(call, "anonymous:" + ClientAddress::bucketOf(call.remote), options_.anonymousPerMinute);
  call.limited = false;  // an answer before the limits shows none
  throw Error(Code::unauthorized, sentence);
}

void Admission::requireOwnership(Call& call) const {
  if (!call.match.route || call.match.params.count("instance") == 0) return;
  if (call.route().access == Access::open || call.match.route->absence) return;
  const auto names = namesOf(call);
  if (names.empty()) throw Error(Code::invalid, "Instance name is required");
  if (!call.caller || !call.caller->instance) return;
  for (const auto& name : names)
    if (call.caller->instance->name != name) throw Error(Code::forbidden, kMismatch);
}

void Admission::takeAllowance(Call& call) {
  const std::string address = ClientAddress::bucketOf(call.remote);
  const Bucket bucket = call.match.route ? call.route().bucket : Bucket::general;
  switch (bucket) {
    case Bucket::none:
      return;
    case Bucket::own:
      return take(call, "own:" + call.path, call.route().perMinute);
    case Bucket::resource:
      return take(call, "resource:" + address, options_.resourcePerMinute);
    case Bucket::create:
      if (call.caller)
        return take(call, "create:" + call.caller->account.id.value,
                    call.caller->account.createLimit);
      break;
    case Bucket::general:
      if (call.caller)
        return take(call, generalBucketOf(*call.caller), generalLimitOf(*call.caller));
      if (call.admin) return take(call, "general:admin", options_.adminPerMinute);
      break;
    case Bucket::anonymous:
      break;
  }
  take(call, "anonymous:" + address, options_.anonymousPerMinute);
}

void Admission::take(Call& call, const std::string& bucket, std::int64_t limit) {
  call.allowance = limits_.take(bucket, static_cast<int>(limit), monotonicMilliseconds());
  call.limited = true;
  if (!call.allowance.passes)
    throw Error(Code::rateLimited, "Rate limit exceeded. Try again later.",
                roundedUp(call.allowance.reset));
}

void Admission::findInstance(Call& call) const {
  if (!call.match.route || !call.caller || call.match.route->absence) return;
  if (call.caller->instance) {
    call.instance = call.caller->instance;
    return;
  }
  if (call.match.params.count("instance") == 0) return;
  for (const auto& name : namesOf(call)) {
    const auto stored = instances_.findByName(call.caller->account.id, name);
    if (!stored) throw Error(Code::notFound, "Instance not found");
    if (!call.instance) call.instance = stored->instance;
  }
}

// Slow calls of one account leave places for the others.
void Admission::takePlace(Call& call) {
  if (!call.route().slow || !call.caller) return;
  const std::string account = call.caller->account.id.value;
  std::lock_guard lock(slowMutex_);
  if (slowCalls_[account] >= options_.slowPerAccount)
    throw Error(Code::unavailable, "Server is busy", std::chrono::seconds(1));
  ++slowCalls_[account];
  call.leave = [this, account] {
    std::lock_guard again(slowMutex_);
    if (--slowCalls_[account] == 0) slowCalls_.erase(account);
  };
}

Instance Admission::admit(const std::string& token, const std::string& instanceName) {
  const auto caller = authentication_.callerOf(Secret(token));
  if (!caller) throw Error(Code::unauthorized, "Invalid token");
  const std::string name = normalized(instanceName).value_or(instanceName);
  if (caller->instance && caller->instance->name != name) throw Error(Code::forbidden, kMismatch);
  Call call;
  take(call, generalBucketOf(*caller), generalLimitOf(*caller));
  if (caller->instance) return *caller->instance;
  const auto stored = instances_.findByName(caller->account.id, name);
  if (!stored) throw Error(Code::notFound, "Instance not found");
  return stored->instance;
}

bool Admission::mayListen(const SocketOwner& owner) const {
  const auto caller = authentication_.callerOfHash(owner.tokenHash);
  if (!caller) return false;
  if (caller->instance) return caller->instance->id == owner.instance;
  if (owner.instance.value.empty()) return true;
  const auto stored = instances_.find(owner.instance);
  return stored && stored->instance.account == caller->account.id;
}

}  // namespace pombo
