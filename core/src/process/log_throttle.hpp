// Keeps a block's process from filling the log: so many lines at once, so many a second after that.
#pragma once

#include <algorithm>
#include <chrono>
#include <mutex>

namespace pombo {

class LogThrottle {
 public:
  using Clock = std::chrono::steady_clock;

  // Whether this line may pass; with it, how many did not since the last that did.
  bool admit(Clock::time_point now, int& suppressed) {
    const std::lock_guard lock(mutex_);
    const std::chrono::duration<double> passed = now - last_;
    last_ = now;
    lines_ = std::min<double>(kBurst, lines_ + passed.count() * kPerSecond);
    if (lines_ < 1) {
      ++suppressed_;
      return false;
    }
    lines_ -= 1;
    suppressed = suppressed_;
    suppressed_ = 0;
    return true;
  }

 private:
  static constexpr double kBurst = 200, kPerSecond = 20;

  std::mutex mutex_;  // guards all below
  double lines_ = kBurst;
  int suppressed_ = 0;
  Clock::time_point last_ = Clock::now();
};

}  // namespace pombo
