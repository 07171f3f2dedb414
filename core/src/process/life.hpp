// One life of a block's process, from its start to its death.
#pragma once

#include <shared_mutex>

#include "pombo/error.hpp"

namespace pombo {

// Calls of a process may still be at work when it is dead, and another lives. Thread-safe.
class Life {
 public:
  // What `call` does is done before the end, or not at all: Error{unavailable}.
  template <class Call>
  auto within(const Call& call) {
    const std::shared_lock lock(mutex_);
    if (over_) throw Error(Code::unavailable, "The process has ended");
    return call();
  }
  // Waits for those that are at work.
  void end() {
    const std::lock_guard lock(mutex_);
    over_ = true;
  }

 private:
  std::shared_mutex mutex_;  // guards over_; shared by whoever is at work
  bool over_ = false;
};

}  // namespace pombo
