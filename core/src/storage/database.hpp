// The database: one writer that commits for many, and readers beside it.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "storage/session.hpp"

namespace pombo {

struct DatabaseOptions {
  std::string url;                   // "sqlite:PATH"
  std::string synchronous = "full";  // or "normal": faster, and a power cut may undo a 201
};

// Thread-safe. Throws StorageError.
class Database {
 public:
  // May run twice, when another job of the same commit fails: no effect but on the session.
  using Job = std::function<void(Session&)>;

  explicit Database(const DatabaseOptions&);
  ~Database();

  // Runs the job in a transaction and returns once it is on the disk. What the job throws is thrown
  // here, and nothing of it is kept. Jobs that wait at the same time share one commit.
  void commit(Job job);

  // Runs on the caller's thread over a reader; sees what was committed.
  template <class Function>
  auto read(const Function& function) {
    const Lease lease(*this);
    return function(*lease.session);
  }

  // Called on the writer after each BEGIN, before any job. Set while nobody commits.
  void onBegin(Job hook) { onBegin_ = std::move(hook); }

  std::uint64_t commits() const { return commits_; }
  std::uint64_t jobs() const { return jobsDone_; }
  const std::string& path() const { return path_; }  // of the SQLite file

 private:
  struct Waiting;
  using Batch = std::vector<std::shared_ptr<Waiting>>;
  struct Lease {
    explicit Lease(Database&);
    ~Lease();
    Database& database;
    std::unique_ptr<Session> session;
  };

  std::unique_ptr<Session> open() const;
  void write();
  void commitTogether(const Batch&);
  bool runAll(const Batch&, bool apart);
  void rollBack();

  std::string path_, synchronous_;
  Job onBegin_;
  std::atomic<std::uint64_t> commits_{0}, jobsDone_{0};

  std::mutex mutex_;  // guards waiting_, stopping_
  std::condition_variable wake_;
  Batch waiting_;
  bool stopping_ = false;

  std::mutex idleMutex_;  // guards idle_
  std::vector<std::unique_ptr<Session>> idle_;

  std::unique_ptr<Session> writer_;
  std::thread thread_;
};

}  // namespace pombo
