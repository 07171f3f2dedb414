// The database: writers that each commit for many, and readers beside them.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "storage/backend.hpp"
#include "storage/outage.hpp"
#include "storage/pending_job.hpp"

namespace pombo {

class Writer;

// Thread-safe. Throws StorageError. A connection that breaks is opened again, and what it was
// doing is repeated, as long as it is sure not to be done twice and the database is back soon.
class Database {
 public:
  using Job = PendingJob::Job;
  // Made on the caller's thread. Nothing: there is nothing to share.
  using Offer = std::function<std::optional<Share>()>;

  explicit Database(const DatabaseOptions&);
  ~Database();

  // Runs the job in a transaction and returns once it is on the disk. What the job throws is thrown
  // here, and nothing of it is kept. Jobs that wait at the same time share one commit. With an
  // `offer`, a database that has a use for it may do the job in one statement with others.
  void commit(Job job, const Offer& offer = {});

  // Runs on the caller's thread over a reader; sees what was committed. May run more than once.
  template <class Function>
  auto read(const Function& function) {
    using Result = decltype(function(std::declval<Session&>()));
    if constexpr (std::is_void_v<Result>) {
      readWith(function);
    } else {
      std::optional<Result> result;
      readWith([&](Session& session) { result.emplace(function(session)); });
      return std::move(*result);
    }
  }

  // Called on the writer after each BEGIN, before any job. Set while nobody commits.
  void onBegin(Job hook) { onBegin_ = std::move(hook); }

  std::uint64_t commits() const { return commits_; }
  std::uint64_t jobs() const { return jobsDone_; }
  bool away() const { return outage_.away(); }
  bool isShared() const { return backend_->isShared(); }  // other servers may use it as well
  std::string file() const { return backend_->file(); }   // of SQLite; empty otherwise

 private:
  using Batch = std::vector<std::shared_ptr<PendingJob>>;
  class Lease;

  void readWith(const std::function<void(Session&)>&);
  void write(Writer&, bool spare);
  Batch next(bool spare);

  const std::unique_ptr<Backend> backend_;
  Outage outage_;
  Job onBegin_;
  std::atomic<std::uint64_t> commits_{0}, jobsDone_{0};

  std::mutex mutex_;  // guards waiting_, taken_, stopping_
  std::condition_variable wake_, stuck_;
  Batch waiting_;
  std::uint64_t taken_ = 0;  // batches
  bool stopping_ = false;

  std::mutex idleMutex_;  // guards idle_, leased_
  std::condition_variable returned_;
  std::vector<std::unique_ptr<Session>> idle_;
  int leased_ = 0;

  std::vector<std::thread> threads_;
};

}  // namespace pombo
