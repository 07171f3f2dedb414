#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>

// Says when a time is up. It is asked for by a name, of which the newest time counts.
class ScanTimer {
 public:
  // `expired` runs on the timer's own thread, and does not throw.
  explicit ScanTimer(std::function<void(const std::string& name)> expired);
  // Returns when the thread has ended.
  ~ScanTimer();
  ScanTimer(const ScanTimer&) = delete;
  ScanTimer& operator=(const ScanTimer&) = delete;

  void after(std::chrono::milliseconds, const std::string& name);

 private:
  using Time = std::chrono::steady_clock::time_point;

  void work();

  const std::function<void(const std::string&)> expired_;
  std::mutex mutex_;  // guards what follows, but for the thread
  std::condition_variable changed_;
  std::map<std::string, Time> due_;
  bool stopping_ = false;
  std::thread thread_;
};
