// A number that goes up and down, and the most it has been.
#pragma once

#include <atomic>
#include <cstdint>

namespace pombo {

// Thread-safe.
class Tide {
 public:
  // What it is then.
  std::int64_t add(std::int64_t more) {
    const auto now = now_.fetch_add(more) + more;
    for (auto most = most_.load(); most < now && !most_.compare_exchange_weak(most, now);) {
    }
    return now;
  }
  void subtract(std::int64_t less) { now_.fetch_sub(less); }

  operator std::int64_t() const { return now_; }
  // Since this was last asked.
  std::int64_t takeMost() { return most_.exchange(now_); }

 private:
  std::atomic<std::int64_t> now_{0}, most_{0};
};

}  // namespace pombo
