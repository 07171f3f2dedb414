#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

// The codes that wait to be scanned, one of each instance. They last for as long as this process,
// by a clock that nobody sets. Thread-safe.
class WaitingCodes {
 public:
  // `over` runs on a thread of its own when a code's time is up, and does not throw.
  explicit WaitingCodes(std::function<void(const std::string& id)> over);
  ~WaitingCodes() { stop(); }
  WaitingCodes(const WaitingCodes&) = delete;
  WaitingCodes& operator=(const WaitingCodes&) = delete;

  // Instead of the one before. `number`: whose code it is; empty: anybody's.
  void show(const std::string& id, const std::string& number, std::chrono::milliseconds time);
  // The number of one that can be scanned now.
  std::optional<std::string> numberOf(const std::string& id) const;
  void drop(const std::string& id);
  // False: its time is not up, another has come since `over` was called.
  bool dropIfOver(const std::string& id);
  // Returns when the thread has ended: nobody is told any more.
  void stop();

 private:
  using Clock = std::chrono::steady_clock;
  struct Code {
    std::string number;
    Clock::time_point until;
    bool isTold = false;
  };

  using Codes = std::map<std::string, Code>;

  void work();
  Codes::iterator next();  // whose time is up first, of those that nobody was told of

  const std::function<void(const std::string&)> over_;
  mutable std::mutex mutex_;  // guards the next three
  Codes codes_;
  Clock::time_point sleepsUntil_ = Clock::time_point::max();
  bool stopping_ = false;
  std::condition_variable changed_;
  std::thread thread_;
};
