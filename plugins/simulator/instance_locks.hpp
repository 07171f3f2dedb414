#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

// A lock for each instance that is asked for: nobody waits for another's. Thread-safe.
class InstanceLocks {
 public:
  class Held {
   public:
    explicit Held(std::shared_ptr<std::mutex> one) : one_(std::move(one)), lock_(*one_) {}

   private:
    const std::shared_ptr<std::mutex> one_;
    const std::lock_guard<std::mutex> lock_;
  };

  Held hold(const std::string& id) { return Held(lockOf(id)); }

 private:
  std::shared_ptr<std::mutex> lockOf(const std::string& id) {
    const std::lock_guard lock(mutex_);
    std::erase_if(locks_, [](const auto& each) { return each.second.expired(); });
    auto& known = locks_[id];
    auto one = known.lock();
    if (!one) known = one = std::make_shared<std::mutex>();
    return one;
  }

  std::mutex mutex_;                                        // guards locks_
  std::map<std::string, std::weak_ptr<std::mutex>> locks_;  // those that somebody has in hand
};
