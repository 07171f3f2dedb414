// How many bytes of large bodies may be in memory at once.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace pombo {

// Thread-safe.
class ByteBudget {
 public:
  explicit ByteBudget(std::uint64_t most) : most_(most) {}

  // Waits until there is room; whatever is larger than all of it waits until it is alone. False: it
  // was closed.
  bool take(std::uint64_t bytes) {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [&] { return closed_ || taken_ == 0 || taken_ + bytes <= most_; });
    if (!closed_) taken_ += bytes;
    return !closed_;
  }
  void give(std::uint64_t bytes) {
    {
      std::lock_guard lock(mutex_);
      taken_ -= bytes;
    }
    room_.notify_all();
  }
  void close() {
    {
      std::lock_guard lock(mutex_);
      closed_ = true;
    }
    room_.notify_all();
  }

 private:
  const std::uint64_t most_;
  std::mutex mutex_;  // guards all below
  std::condition_variable room_;
  std::uint64_t taken_ = 0;
  bool closed_ = false;
};

}  // namespace pombo
