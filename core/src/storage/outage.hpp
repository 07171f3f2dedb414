// Whether the database is away, and for whom it is worth waiting until it is back.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>

namespace pombo {

// A short absence, as of a restart, is waited for by everyone; once it has lasted longer, calls
// fail at once and only now and then one of them looks. Thread-safe.
class Outage {
 public:
  using Time = std::chrono::steady_clock::time_point;
  static constexpr std::chrono::seconds kPatience{5};

  bool away() const { return away_; }
  // Before a connection is opened: false when others have just found that there is none.
  bool mayTry();
  // After a connection was lost or could not be opened: waits a moment, less when it is back.
  // False: `deadline` or everybody's patience is over.
  bool waits(Time deadline = Time::max());
  void pause(Time end = Time::max());  // that moment
  void ended();

 private:
  std::mutex mutex_;  // guards since_, tried_
  std::condition_variable back_;
  std::atomic<bool> away_{false};
  Time since_, tried_;
};

}  // namespace pombo
