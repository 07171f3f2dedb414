// One connection that commits for many.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "storage/backend.hpp"
#include "storage/outage.hpp"
#include "storage/pending_job.hpp"

namespace pombo {

// One thread at a time.
class Writer {
 public:
  using Batch = std::vector<std::shared_ptr<PendingJob>>;

  // Opens its connection. `onBegin` is run at the start of each transaction; it may change while
  // nobody commits.
  Writer(const Backend&, Outage&, const PendingJob::Job& onBegin);

  // Leaves in each job what it has thrown. What fails because the connection was lost, or because
  // another transaction was in the way, is done again. False: nothing of it is in the database.
  bool commit(const Batch&);

 private:
  enum class Mode { together, apart };

  void attempt(const Batch&);
  bool runAll(const Batch&, Mode);
  bool runShares(const Batch&);
  void finish();
  bool madeAllTheSame(const CommitMark&);
  bool mayRepeat(const StorageError&, int& conflicts);
  void rollBack();

  const Backend& backend_;
  Outage& outage_;
  const PendingJob::Job& onBegin_;
  CommitMark mark_;
  std::unique_ptr<Session> session_;    // null: lost
  bool changed_ = false;                // something, in this transaction
  std::set<const PendingJob*> shared_;  // done by a statement of many, in this transaction
};

}  // namespace pombo
