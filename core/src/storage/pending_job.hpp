// A job that waits for its commit, and its share of a statement that does many at once.
#pragma once

#include <condition_variable>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>

#include "storage/session.hpp"

namespace pombo {

// What a job adds to one statement that does many of its kind.
struct Share {
  const char* sql = nullptr;    // an array for each column; answers with the keys of what it did
  std::string key = {};         // of this job
  std::vector<Values> columns;  // what it adds to each array
  // Asked inside the transaction. False: the job runs by itself.
  std::function<bool()> holds = {};
};

// The text of an array, as PostgreSQL reads it.
std::string arrayOf(const Values&);

struct PendingJob {
  // May run more than once: no effect but on the session and on what the last run leaves.
  using Job = std::function<void(Session&)>;

  PendingJob(Job what, std::optional<Share> ofMany)
      : job(std::move(what)), share(std::move(ofMany)) {}
  Job job;
  std::optional<Share> share;  // what its statement leaves out, the job does by itself
  std::exception_ptr failure;

  // Not std::atomic's wait: it yields the processor in a loop first, and a commit takes longer.
  std::mutex mutex;  // guards done
  std::condition_variable wake;
  bool done = false;

  void wait() {
    std::unique_lock lock(mutex);
    wake.wait(lock, [this] { return done; });
  }
  void finish() {
    {
      std::lock_guard lock(mutex);
      done = true;
    }
    wake.notify_one();  // whoever wakes finds the mutex free
  }
};

}  // namespace pombo
