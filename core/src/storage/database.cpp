#include "storage/database.hpp"

#include <sys/stat.h>

#include <exception>
#include <utility>

#include "observe/waiting.hpp"

namespace pombo {
namespace {

constexpr std::size_t kJobsPerCommit = 256;

std::string pathOf(const std::string& url) {
  const std::string scheme = "sqlite:";
  if (!url.starts_with(scheme) || url.size() == scheme.size())
    throw StorageError("database must be sqlite:PATH");
  return url.substr(scheme.size());
}

}  // namespace

struct Database::Waiting {
  explicit Waiting(Job what) : job(std::move(what)) {}
  Job job;
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
    std::lock_guard lock(mutex);
    done = true;
    wake.notify_one();
  }
};

Database::Lease::Lease(Database& owner) : database(owner) {
  {
    std::lock_guard lock(owner.idleMutex_);
    if (!owner.idle_.empty()) {
      session = std::move(owner.idle_.back());
      owner.idle_.pop_back();
    }
  }
  if (session) return;
  session = owner.open();
  session->once("PRAGMA query_only=ON");  // what is written beside the writer is not committed
}

Database::Lease::~Lease() {
  std::lock_guard lock(database.idleMutex_);
  database.idle_.push_back(std::move(session));
}

Database::Database(const DatabaseOptions& options)
    : path_(pathOf(options.url)), synchronous_(options.synchronous) {
  ::umask(077);  // tokens' hashes and sealed secrets are nobody else's to read
  writer_ = open();
  thread_ = std::thread([this] { write(); });
}

Database::~Database() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

std::unique_ptr<Session> Database::open() const {
  auto session = std::make_unique<Session>("dbname=\"" + path_ + "\" timeout=10");
  session->once("PRAGMA journal_mode=WAL");
  session->once(synchronous_ == "normal" ? "PRAGMA synchronous=NORMAL" : "PRAGMA synchronous=FULL");
  session->once("PRAGMA foreign_keys=ON");
  // A large WAL costs disk, a small one costs a checkpoint's two syncs every few commits.
  session->once("PRAGMA wal_autocheckpoint=4000");
  return session;
}

void Database::commit(Job job) {
  // Shared: the writer still touches it when this thread is already on its way.
  const auto mine = std::make_shared<Waiting>(std::move(job));
  {
    std::lock_guard lock(mutex_);
    waiting_.push_back(mine);
  }
  wake_.notify_one();
  aboutToWait();
  mine->wait();
  // Taken out, so that an exception is let go of by the thread that read it, never by the writer.
  if (auto failure = std::exchange(mine->failure, nullptr))
    std::rethrow_exception(std::move(failure));
}

void Database::write() {
  for (;;) {
    Batch batch;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [&] { return stopping_ || !waiting_.empty(); });
      if (waiting_.empty()) return;
      if (waiting_.size() <= kJobsPerCommit) {
        batch.swap(waiting_);
      } else {
        batch.assign(waiting_.begin(), waiting_.begin() + kJobsPerCommit);
        waiting_.erase(waiting_.begin(), waiting_.begin() + kJobsPerCommit);
      }
    }
    commitTogether(batch);
    jobsDone_ += batch.size();
    for (const auto& each : batch) each->finish();
  }
}

void Database::commitTogether(const Batch& batch) {
  try {
    // A job that fails after it has changed something would take the others' work with it: then all
    // run again, each behind a savepoint.
    if (!runAll(batch, false)) {
      rollBack();
      runAll(batch, true);
    }
    writer_->once("COMMIT");
    ++commits_;
  } catch (const std::exception& failure) {
    rollBack();
    // One each: they end in different threads.
    for (const auto& each : batch)
      if (!each->failure)
        each->failure = std::make_exception_ptr(StorageError(std::string(failure.what())));
  }
}

// False when a job failed in a way that cannot be undone by itself.
bool Database::runAll(const Batch& batch, bool apart) {
  writer_->once("BEGIN IMMEDIATE");
  if (onBegin_) onBegin_(*writer_);
  for (const auto& each : batch) {
    each->failure = nullptr;
    writer_->markClean();
    if (apart) writer_->once("SAVEPOINT job");
    try {
      each->job(*writer_);
    } catch (...) {
      if (!apart && writer_->dirty()) return false;
      each->failure = std::current_exception();
      if (apart) writer_->once("ROLLBACK TO job");
    }
    if (apart) writer_->once("RELEASE job");
  }
  return true;
}

void Database::rollBack() {
  try {
    writer_->once("ROLLBACK");
  } catch (const StorageError&) {
    // There was no transaction: BEGIN itself failed, or SQLite has rolled back already.
  }
}

}  // namespace pombo
