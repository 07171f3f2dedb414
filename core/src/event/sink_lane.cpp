#include "event/sink_lane.hpp"

namespace pombo {

bool SinkLane::push(const InstanceId& instance, Job job) {
  {
    std::lock_guard lock(mutex_);
    if (stopped_) return true;
    if (count_ >= most_) return false;
    ++count_;
    Line& line = waiting_[instance];
    line.jobs.push_back(std::move(job));
    if (line.turns == each_) return true;
    ++line.turns;
    turns_.push_back(instance);
  }
  crew_.push([this] { next(); });
  return true;
}

int SinkLane::stop(Crew::Time deadline) {
  {
    std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  const int strays = crew_.stop(deadline);
  if (strays > 0) return strays;
  std::map<InstanceId, Line> dropped;  // jobs may hold what is gone before the lane is
  std::lock_guard lock(mutex_);
  dropped.swap(waiting_);
  turns_.clear();
  return 0;
}

// Of the instance whose turn it is; then it goes to the end of the line.
void SinkLane::next() {
  std::unique_lock lock(mutex_);
  const InstanceId instance = std::move(turns_.front());
  turns_.pop_front();
  Line& line = waiting_.at(instance);
  if (!line.jobs.empty()) {  // or its other turns were quicker
    Job job = std::move(line.jobs.front());
    line.jobs.pop_front();
    lock.unlock();
    job();
    job = nullptr;
    lock.lock();
    --count_;
  }
  if (line.jobs.empty()) {
    if (--line.turns == 0) waiting_.erase(instance);
    return;
  }
  turns_.push_back(instance);
  lock.unlock();
  crew_.push([this] { next(); });
}

}  // namespace pombo
