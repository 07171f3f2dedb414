// Threads that share one queue of things to do.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace pombo {

// Thread-safe.
class Crew {
 public:
  using Task = std::function<void()>;  // never throws
  using Time = std::chrono::steady_clock::time_point;

  // `name`: of its threads, 15 letters at most.
  Crew(const std::string& name, int threads);
  ~Crew();

  void push(Task);
  // What has not begun is dropped. How many threads are still inside a task at that time: then
  // nothing that they touch may be destroyed, and this must be left as it is.
  int stop(Time deadline);

 private:
  void work();

  std::mutex mutex_;  // guards all below
  std::condition_variable wake_, ended_;
  std::deque<Task> tasks_;
  bool stopping_ = false;
  int running_ = 0;
  std::vector<std::thread> threads_;
};

}  // namespace pombo
