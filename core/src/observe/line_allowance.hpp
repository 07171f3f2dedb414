// How many lines one block may log: a steady number a second, and ten seconds' worth at once.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <utility>

namespace pombo {

// Thread-safe.
class LineAllowance {
 public:
  using Time = std::chrono::steady_clock::time_point;

  explicit LineAllowance(int perSecond) : perSecond_(perSecond), left_(most()) {}

  // Whether one more line may be written; one that may not is counted.
  bool take(Time now) {
    std::lock_guard lock(mutex_);
    const std::chrono::duration<double> gone = now - last_;
    left_ = std::min(most(), left_ + std::max(gone.count(), 0.0) * perSecond_);
    last_ = std::max(last_, now);
    if (left_ < 1) return ++dropped_, false;
    left_ -= 1;
    return true;
  }

  // How many have been dropped since this was last asked.
  std::uint64_t dropped() {
    std::lock_guard lock(mutex_);
    return std::exchange(dropped_, 0);
  }

 private:
  double most() const { return perSecond_ * 10.0; }

  const int perSecond_;
  std::mutex mutex_;  // guards all below
  double left_;
  Time last_{};
  std::uint64_t dropped_ = 0;
};

}  // namespace pombo
