#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

// Does things later, a few at once, so that one that takes its time holds up no other. Thread-safe.
class Delays {
 public:
  using Task = std::function<void()>;

  explicit Delays(int threads);
  ~Delays() { stop(); }
  Delays(const Delays&) = delete;
  Delays& operator=(const Delays&) = delete;

  // `task` does not throw.
  void after(std::chrono::milliseconds time, Task task);
  // What has not begun never does. Returns when the threads have ended.
  void stop();

 private:
  using Clock = std::chrono::steady_clock;

  void work();

  std::mutex mutex_;  // guards the next two
  std::multimap<Clock::time_point, Task> tasks_;
  bool stopping_ = false;
  std::condition_variable changed_;
  std::vector<std::thread> threads_;
};
