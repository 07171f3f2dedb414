// Whose time is up: the first deadline of each instance.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <thread>

#include "pombo/instance.hpp"

namespace pombo {

// Thread-safe.
class LinkTimer {
 public:
  using Clock = std::chrono::steady_clock;

  // `over` runs on a thread of its own, and does not throw.
  explicit LinkTimer(std::function<void(const InstanceId&)> over) : over_(std::move(over)) {}
  ~LinkTimer() { stop(); }

  void start();
  void stop();  // when it returns, nobody is told any more
  // Unless there is an earlier one.
  void set(const InstanceId&, Clock::time_point until);
  void drop(const InstanceId&);

 private:
  void work();
  void forget(const InstanceId&);  // under mutex_

  const std::function<void(const InstanceId&)> over_;
  std::mutex mutex_;  // guards all below
  std::condition_variable changed_;
  std::multimap<Clock::time_point, InstanceId> order_;
  std::map<InstanceId, std::multimap<Clock::time_point, InstanceId>::iterator> places_;
  bool stopping_ = true;
  std::thread thread_;
};

}  // namespace pombo
