#include "process/shard_host.hpp"

namespace pombo {

void ShardGauges::observe(int process, const std::string& name, double value) {
  const std::lock_guard lock(mutex_);
  auto& each = values_[name];
  each[process] = value;
  double all = 0;
  for (const auto& [of, said] : each) all += said;
  metrics_.observe(name, all);
}

// Whoever keeps it alive says these.
void ShardGauges::forget(int process) { erase(process, {"up", "quarantined"}); }

void ShardGauges::remove(int process) { erase(process, {}); }

void ShardGauges::erase(int process, const std::set<std::string>& but) {
  const std::lock_guard lock(mutex_);
  for (auto& [name, each] : values_) {
    if (but.contains(name) || !each.erase(process)) continue;
    double all = 0;
    for (const auto& [of, said] : each) all += said;
    metrics_.observe(name, all);
  }
}

void ShardHost::write(Level level, const std::string& message, const Json& fields) {
  if (place_.single) return host_.log().write(level, message, fields);
  boost::json::object more = fields.is_object() ? fields.get_object() : boost::json::object();
  more["process"] = place_.process + 1;
  host_.log().write(level, message, more);
}

std::vector<std::string> ShardHost::publish(const std::vector<Event>& events) {
  if (place_.active)
    for (const auto& event : events) place_.active(event.instance);
  return host_.events().publish(events);
}

}  // namespace pombo
