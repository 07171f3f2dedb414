#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

// The codes that wait to be scanned, those of each instance one after another. They last for as
// long as this process, by a clock that nobody sets. Thread-safe.
class WaitingCodes {
 public:
  struct Shown {
    std::string number = {};              // whose codes they are; empty: anybody's
    std::vector<std::string> codes = {};  // the first is shown now
    std::chrono::milliseconds first{};    // how long that is, and then each of the others
    std::chrono::milliseconds other{};
  };

  // `over` runs on a thread of its own when a code's time is up, and does not throw.
  explicit WaitingCodes(std::function<void(const std::string& id)> over);
  ~WaitingCodes() { stop(); }
  WaitingCodes(const WaitingCodes&) = delete;
  WaitingCodes& operator=(const WaitingCodes&) = delete;

  void show(const std::string& id, Shown);  // instead of those before
  // The number of one that can be scanned now.
  std::optional<std::string> numberOf(const std::string& id) const;
  void drop(const std::string& id);
  // Those that are left when the first one's time is up, none when it was the last. Nothing: its
  // time is not up, another has come since `over` was called.
  std::optional<std::vector<std::string>> next(const std::string& id);
  // Returns when the thread has ended: nobody is told any more.
  void stop();

 private:
  using Clock = std::chrono::steady_clock;
  struct Waiting {
    Shown shown;
    Clock::time_point until;
    bool isTold = false;
  };

  using Codes = std::map<std::string, Waiting>;

  void work();
  Codes::iterator earliest();  // of those that nobody was told of

  const std::function<void(const std::string&)> over_;
  mutable std::mutex mutex_;  // guards the next three
  Codes codes_;
  Clock::time_point sleepsUntil_ = Clock::time_point::max();
  bool stopping_ = false;
  std::condition_variable changed_;
  std::thread thread_;
};
