#include "event/sink_lane.hpp"

namespace pombo {

bool SinkLane::push(const InstanceId& instance, Job job) {
  {
    std::lock_guard lock(mutex_);
    if (count_ >= most_) return false;
    ++count_;
    const auto [line, isNew] = waiting_.try_emplace(instance);
    line->second.push_back(std::move(job));
    if (!isNew) return true;
    turns_.push_back(instance);
  }
  crew_.push([this] { next(); });
  return true;
}

// Of the instance whose turn it is; then it goes to the end of the line.
void SinkLane::next() {
  std::unique_lock lock(mutex_);
  const InstanceId instance = std::move(turns_.front());
  turns_.pop_front();
  auto& line = waiting_.at(instance);
  Job job = std::move(line.front());
  line.pop_front();
  lock.unlock();
  job();
  job = nullptr;
  lock.lock();
  --count_;
  if (line.empty()) {
    waiting_.erase(instance);
    return;
  }
  turns_.push_back(instance);
  lock.unlock();
  crew_.push([this] { next(); });
}

}  // namespace pombo
