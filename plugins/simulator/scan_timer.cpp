#include "scan_timer.hpp"

#include <algorithm>

ScanTimer::ScanTimer(std::function<void(const std::string&)> expired)
    : expired_(std::move(expired)), thread_([this] { work(); }) {}

ScanTimer::~ScanTimer() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void ScanTimer::after(std::chrono::milliseconds time, const std::string& name) {
  const std::lock_guard lock(mutex_);
  due_[name] = std::chrono::steady_clock::now() + time;
  changed_.notify_one();
}

void ScanTimer::work() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const auto next = std::min_element(
        due_.begin(), due_.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
    if (next == due_.end()) {
      changed_.wait(lock);
    } else if (const Time time = next->second; time > std::chrono::steady_clock::now()) {
      changed_.wait_until(lock, time);
    } else {
      const std::string name = due_.extract(next).key();
      lock.unlock();
      expired_(name);
      lock.lock();
    }
  }
}
