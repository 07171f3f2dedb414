#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

// Does things later, some at once, of each lane a few: one that stands still holds up no other.
// Thread-safe.
class Delays {
 public:
  struct Limits {
    std::size_t threads = 32;   // at most: there is one more than are busy
    int together = 2;           // of one lane
    std::size_t waiting = 256;  // of one lane, those under way included; of all sixteen times that
    std::uint64_t bytes = std::uint64_t{64} << 20;  // likewise; of all four times that
  };
  struct Task {
    std::string lane;
    std::uint64_t bytes = 0;    // that it holds while it waits
    std::function<void()> run;  // does not throw
  };

  explicit Delays(const Limits&);
  ~Delays() { stop(); }
  Delays(const Delays&) = delete;
  Delays& operator=(const Delays&) = delete;

  // False: too much waits already.
  [[nodiscard]] bool after(std::chrono::milliseconds time, Task task);
  // What has not begun never does. Returns when the threads have ended.
  void stop();

 private:
  using Clock = std::chrono::steady_clock;
  using Tasks = std::multimap<Clock::time_point, Task>;
  struct Load {
    std::size_t tasks = 0;
    std::uint64_t bytes = 0;
    int running = 0;
  };

  void work();
  void addThread();
  void stayAwake();
  Tasks::iterator next(Clock::time_point now);
  void waitForMore(std::unique_lock<std::mutex>&, Clock::time_point now);
  void end(const std::string& lane, std::uint64_t bytes);

  const Limits limits_;
  std::mutex mutex_;  // guards all below
  Tasks tasks_;       // that have not begun
  Load all_;
  std::map<std::string, Load> lanes_;
  std::size_t busy_ = 0;  // threads
  bool stopping_ = false;
  std::condition_variable changed_;
  std::vector<std::thread> threads_;
};
