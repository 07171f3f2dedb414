// What is done now and again, on a thread of its own.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "observe/logger.hpp"

namespace pombo {

class Rounds {
 public:
  using Task = std::function<void()>;

  // Tests count in shorter seconds.
  explicit Rounds(Log& log, std::chrono::milliseconds second = std::chrono::seconds(1))
      : log_(log), second_(second) {}
  ~Rounds() { stop(); }
  Rounds(const Rounds&) = delete;
  Rounds& operator=(const Rounds&) = delete;

  // Before start(): every so many whole seconds from then on; those of one second in this order.
  // One that throws is logged, as this, and done again the next time.
  void every(std::chrono::seconds, Level, const char* sentence, Task);
  void every(std::chrono::seconds, Task);  // one that is not expected to throw
  void start();
  // Returns when none is under way; those to come are not done.
  void stop();

 private:
  struct Round {
    std::chrono::seconds every;
    Level level;
    const char* sentence;
    Task task;
  };
  void run();
  void carryOut(const Round&);

  Log& log_;
  const std::chrono::milliseconds second_;
  std::vector<Round> rounds_;
  std::mutex mutex_;  // guards stopping_
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace pombo
