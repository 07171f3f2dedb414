#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

// Does something again and again, on a thread of its own: for the first time after a pause.
// Thread-safe.
class Repetition {
 public:
  // `run` does not throw.
  Repetition(std::chrono::milliseconds pause, std::function<void()> run);
  ~Repetition() { stop(); }
  Repetition(const Repetition&) = delete;
  Repetition& operator=(const Repetition&) = delete;

  // Returns when it is done for the last time.
  void stop();

 private:
  void work();

  const std::chrono::milliseconds pause_;
  const std::function<void()> run_;
  std::mutex mutex_;  // guards stopping_
  bool stopping_ = false;
  std::condition_variable stopped_;
  std::thread thread_;
};
