// The routes about the server itself: health, readiness, metrics; and those that only answer that
// they are not there.
#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "block/registry.hpp"
#include "http/exchange.hpp"
#include "net/address.hpp"

namespace pombo {

// What /health shows. Checks run elsewhere, every ten seconds; a probe costs a copy. Thread-safe.
class Health {
 public:
  enum class Phase { starting, ready, draining };

  void set(std::map<std::string, std::string> checks);  // "ok" or "fail: <reason>", by name
  void set(Phase phase) { phase_ = phase; }
  Phase phase() const { return phase_; }
  HttpReply shown(TimePoint now) const;

 private:
  const std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
  std::atomic<Phase> phase_{Phase::starting};
  mutable std::mutex mutex_;  // guards checks_
  std::map<std::string, std::string> checks_;
};

struct MetricsAccess {
  std::string token;               // empty: none opens them
  std::vector<std::string> allow;  // CIDRs that need none
};

void addServerRoutes(RouteTable&, const Health&, Metrics&, const MetricsAccess&, IClock&);

// 503 or 501 for what the wire promises and nobody serves. Called last.
void addPromisedRoutes(RouteTable&, const Registry&);

// Go's form: "12h34m56s".
std::string durationText(std::chrono::seconds);

}  // namespace pombo
