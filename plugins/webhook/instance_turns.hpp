// One at a time of an instance.
#pragma once

#include <condition_variable>
#include <mutex>
#include <set>
#include <string>

// Whoever waits for the database in a turn keeps nobody waiting but those of the same instance.
// Thread-safe.
class InstanceTurns {
 public:
  class Turn {
   public:
    Turn(InstanceTurns& turns, const std::string& instance) : turns_(turns), instance_(instance) {
      std::unique_lock lock(turns_.mutex_);
      turns_.over_.wait(lock, [this] { return turns_.taken_.insert(instance_).second; });
    }
    ~Turn() {
      {
        const std::lock_guard lock(turns_.mutex_);
        turns_.taken_.erase(instance_);
      }
      turns_.over_.notify_all();
    }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

   private:
    InstanceTurns& turns_;
    const std::string instance_;
  };

 private:
  std::mutex mutex_;  // guards taken_
  std::condition_variable over_;
  std::set<std::string> taken_;
};
