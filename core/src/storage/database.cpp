#include "storage/database.hpp"

#include "observe/request_scope.hpp"
#include "observe/waiting.hpp"
#include "storage/writer.hpp"

namespace pombo {
namespace {

constexpr std::size_t kJobsPerCommit = 256;
// One writer with large batches beats several with small ones, which wait for each other's rows and
// disk. The others look this often whether it is stuck.
constexpr std::chrono::milliseconds kStuck{50};
// Of a request's time, for saying that it came to nothing.
constexpr std::chrono::milliseconds kToAnswer{500};

Outage::Time deadline() {
  const auto* const request = RequestScope::current();
  return request ? request->deadline() - kToAnswer : Outage::Time::max();
}

}  // namespace

// A reader for one call, opened when none is idle.
class Database::Lease {
 public:
  explicit Lease(Database& database) : database_(database) {
    std::unique_lock lock(database.idleMutex_);
    if (database.leased_ >= database.backend_->readers()) {
      aboutToWait();
      database.returned_.wait(lock,
                              [&] { return database.leased_ < database.backend_->readers(); });
    }
    ++database.leased_;
    if (!database.idle_.empty()) {
      session_ = std::move(database.idle_.back());
      database.idle_.pop_back();
    }
  }
  ~Lease() {
    {
      std::lock_guard lock(database_.idleMutex_);
      --database_.leased_;
      if (session_) database_.idle_.push_back(std::move(session_));
    }
    database_.returned_.notify_one();
  }
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;

  Session& session() {
    if (session_) return *session_;
    if (!database_.outage_.mayTry())
      throw StorageError("the database is away", StorageError::Kind::lost);
    session_ = database_.backend_->openReader();
    return *session_;
  }
  // Where one connection was lost, the others were as well.
  void lost() {
    session_ = nullptr;
    std::vector<std::unique_ptr<Session>> gone;
    std::lock_guard lock(database_.idleMutex_);
    gone.swap(database_.idle_);
  }

 private:
  Database& database_;
  std::unique_ptr<Session> session_;
};

Database::Database(const DatabaseOptions& options) : backend_(backendOf(options)) {
  std::vector<std::unique_ptr<Writer>> writers;
  for (int i = 0; i < backend_->writers(); ++i)
    writers.push_back(std::make_unique<Writer>(*backend_, outage_, onBegin_));
  for (auto& writer : writers) {
    const bool spare = &writer != &writers.front();
    threads_.emplace_back([this, spare, own = std::move(writer)] { write(*own, spare); });
  }
}

Database::~Database() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  stuck_.notify_all();
  for (auto& thread : threads_) thread.join();
}

void Database::readWith(const std::function<void(Session&)>& function) {
  for (const auto end = deadline();;) {
    std::optional<StorageError> lost;
    {
      Lease lease(*this);
      try {
        function(lease.session());
        return outage_.ended();
      } catch (const StorageError& error) {
        if (error.kind != StorageError::Kind::lost) throw;
        lost = error;
        lease.lost();
      }
    }
    // With the lease given back: others are to find out, too.
    if (!outage_.waits(end)) throw StorageError(*lost);
  }
}

void Database::commit(Job job, const Offer& offer) {
  auto share = offer && backend_->shares() ? offer() : std::nullopt;
  // Shared: the writer still touches it when this thread is already on its way.
  const auto mine = std::make_shared<PendingJob>(std::move(job), std::move(share));
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

// Empty: it closes, and nobody waits any more.
Database::Batch Database::next(bool spare) {
  std::unique_lock lock(mutex_);
  if (spare) {
    // Since the last look nobody has taken anything.
    for (auto seen = taken_; !stopping_; seen = taken_) {
      const bool waited = !waiting_.empty();
      stuck_.wait_for(lock, kStuck, [&] { return stopping_; });
      if (waited && seen == taken_) break;
    }
  } else {
    wake_.wait(lock, [&] { return stopping_ || !waiting_.empty(); });
  }
  ++taken_;
  Batch batch;
  if (waiting_.size() <= kJobsPerCommit) {
    batch.swap(waiting_);
  } else {
    batch.assign(waiting_.begin(), waiting_.begin() + kJobsPerCommit);
    waiting_.erase(waiting_.begin(), waiting_.begin() + kJobsPerCommit);
  }
  return batch;
}

void Database::write(Writer& writer, bool spare) {
  for (Batch batch = next(spare); !batch.empty(); batch = next(spare)) {
    if (writer.commit(batch)) ++commits_;
    jobsDone_ += batch.size();
    for (const auto& each : batch) each->finish();
    batch.clear();
  }
}

}  // namespace pombo
