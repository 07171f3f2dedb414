#include "event/delivery_tally.hpp"

namespace pombo {

void DeliveryTally::restored(const StoredQueues& standing) {
  std::lock_guard lock(mutex_);
  for (const auto& each : standing.queues)
    queues_[each.name.id] = {each.name.key, each.failures >= breakerAfter_};
}

void DeliveryTally::written(const Write& write) {
  std::map<std::string, Counts> all;
  std::lock_guard lock(mutex_);
  for (const auto& queue : write.queues) queues_[queue.id] = {queue.key, false};
  for (const auto& each : write.settlements) {
    const auto queue = queues_.find(each.queue);
    if (queue == queues_.end()) continue;
    Counts& counts = all[queue->second.key.block];
    counts.attempts += each.attempted;
    ++(each.status == DeliveryStatus::delivered ? counts.delivered
       : each.status == DeliveryStatus::dead    ? counts.dead
                                                : counts.retried);
  }
  for (const auto& [queue, inARow] : write.failures) failures(queue, inARow);
  for (const auto& [block, counts] : all) count(block, counts);
}

void DeliveryTally::count(const std::string& block, const Counts& counts) {
  const std::string prefix = "pombo_" + block;
  metrics_.count(prefix + "_delivered_total", {}, counts.delivered);
  metrics_.count(prefix + "_retried_total", {}, counts.retried);
  metrics_.count(prefix + "_dead_total", {}, counts.dead);
  metrics_.count(prefix + "_attempts_total", {}, counts.attempts);
}

void DeliveryTally::failures(std::int64_t queue, int inARow) {
  const auto at = queues_.find(queue);
  const bool open = inARow >= breakerAfter_;
  if (at == queues_.end() || at->second.open == open) return;
  at->second.open = open;
  const QueueKey& key = at->second.key;
  const Json fields{{"block", key.block}, {"instance", key.instance.value}};
  if (open)
    log_.write(Level::warn, "A destination fails", fields);
  else
    log_.write(Level::info, "A destination answers again", fields);
}

void DeliveryTally::forget(const InstanceId& instance) {
  std::lock_guard lock(mutex_);
  std::erase_if(queues_, [&](const auto& each) { return each.second.key.instance == instance; });
}

std::map<std::string, int> DeliveryTally::breakersOpen() const {
  std::map<std::string, int> open;
  std::lock_guard lock(mutex_);
  for (const auto& [id, queue] : queues_) open[queue.key.block] += queue.open;
  return open;
}

}  // namespace pombo
