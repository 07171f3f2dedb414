#include "instance/link_timer.hpp"

namespace pombo {

void LinkTimer::start() {
  const std::lock_guard lock(mutex_);
  stopping_ = false;
  thread_ = std::thread([this] { work(); });
}

void LinkTimer::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void LinkTimer::set(const InstanceId& id, Clock::time_point until) {
  const std::lock_guard lock(mutex_);
  if (const auto it = places_.find(id); it != places_.end() && it->second->first <= until) return;
  forget(id);
  const auto place = order_.emplace(until, id);
  places_.emplace(id, place);
  if (place == order_.begin()) changed_.notify_one();
}

void LinkTimer::drop(const InstanceId& id) {
  const std::lock_guard lock(mutex_);
  forget(id);
}

void LinkTimer::forget(const InstanceId& id) {
  const auto it = places_.find(id);
  if (it == places_.end()) return;
  order_.erase(it->second);
  places_.erase(it);
}

void LinkTimer::work() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (order_.empty()) {
      changed_.wait(lock);
      continue;
    }
    const auto until = order_.begin()->first;
    if (until > Clock::now()) {
      changed_.wait_until(lock, until);
      continue;
    }
    const InstanceId id = order_.begin()->second;
    forget(id);
    lock.unlock();
    over_(id);
    lock.lock();
  }
}

}  // namespace pombo
