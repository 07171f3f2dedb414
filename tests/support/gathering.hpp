// Jobs that are sure to meet in one commit, and threads that are sure to wait.
#pragma once

#include <unistd.h>

#include <atomic>
#include <exception>
#include <future>
#include <latch>
#include <string>
#include <thread>
#include <vector>

#include "asleep.hpp"
#include "storage/database.hpp"

namespace pombo {

// Holds the writer from its construction until release().
class HeldWriter {
 public:
  explicit HeldWriter(Database& database) {
    std::promise<void> held;
    auto holding = held.get_future();
    thread_ = std::jthread([this, &database, held = std::move(held)]() mutable {
      database.commit([&](Session&) {
        held.set_value();
        released_.wait();
      });
    });
    holding.wait();
  }
  ~HeldWriter() { release(); }
  void release() {
    if (!done_.exchange(true)) released_.count_down();
  }

 private:
  std::latch released_{1};
  std::atomic<bool> done_{false};
  std::jthread thread_;
};

// A thread in commit(), and what came of it.
class Committing {
 public:
  Committing(Database& database, Database::Job job)
      : thread_([this, &database, job = std::move(job)] {
          id_ = ::gettid();
          try {
            database.commit(job);
          } catch (...) {
            failure_ = std::current_exception();
          }
        }) {}

  void waitUntilQueued() const { untilAsleep(id_); }
  std::exception_ptr failure() {
    if (thread_.joinable()) thread_.join();
    return failure_;
  }
  // Its text; empty when there was none.
  std::string said() {
    if (!failure()) return "";
    try {
      std::rethrow_exception(failure_);
    } catch (const std::exception& error) {
      return error.what();
    } catch (...) {
      return "not a std::exception";
    }
  }

 private:
  std::atomic<pid_t> id_{0};
  std::exception_ptr failure_;
  std::jthread thread_;
};

// All of them in one commit; what each has thrown, in their order.
inline std::vector<std::string> committedTogether(Database& database,
                                                  const std::vector<Database::Job>& jobs) {
  std::vector<std::unique_ptr<Committing>> all;
  {
    HeldWriter held(database);
    for (const auto& job : jobs) {
      all.push_back(std::make_unique<Committing>(database, job));
      all.back()->waitUntilQueued();
    }
  }
  std::vector<std::string> said;
  for (const auto& each : all) said.push_back(each->said());
  return said;
}

}  // namespace pombo
