#include "storage/writer.hpp"

#include <chrono>
#include <map>
#include <random>

namespace pombo {
namespace {

constexpr int kMostConflicts = 10;
// How long is asked what became of a commit: longer than a database takes to come back, because
// its client can be told neither yes nor no before.
constexpr std::chrono::seconds kDoubt{20};

std::string freshName() {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::random_device random;
  std::string name;
  while (name.size() < 32) name.push_back(kDigits[random() % 16]);
  return name;
}

bool isToBeRepeated(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const StorageError& error) {
    return error.passes();
  } catch (...) {
    return false;
  }
}

}  // namespace

Writer::Writer(const Backend& backend, Outage& outage, const PendingJob::Job& onBegin)
    : backend_(backend),
      outage_(outage),
      onBegin_(onBegin),
      mark_{freshName(), 0},
      session_(backend.openWriter()) {}

bool Writer::commit(const Batch& batch) {
  for (int conflicts = 0;;) try {
      attempt(batch);
      outage_.ended();
      return true;
    } catch (const StorageError& error) {
      if (mayRepeat(error, conflicts)) continue;
      // One each: they end in different threads.
      for (const auto& each : batch)
        if (!each->failure || isToBeRepeated(each->failure))
          each->failure = std::make_exception_ptr(StorageError(error));
      return false;
    } catch (const std::exception& failure) {
      rollBack();
      for (const auto& each : batch)
        if (!each->failure)
          each->failure = std::make_exception_ptr(StorageError(std::string(failure.what())));
      return false;
    }
}

bool Writer::mayRepeat(const StorageError& error, int& conflicts) {
  if (error.kind == StorageError::Kind::lost) {
    session_ = nullptr;
    return outage_.waits();
  }
  rollBack();
  return error.kind == StorageError::Kind::conflict && ++conflicts < kMostConflicts;
}

void Writer::attempt(const Batch& batch) {
  if (!session_ && !outage_.mayTry())
    throw StorageError("the database is away", StorageError::Kind::lost);
  if (!session_) session_ = backend_.openWriter();
  // A job that fails after it has changed something would take the others' work with it: then all
  // run again, each behind a savepoint.
  if (!runAll(batch, Mode::together)) {
    rollBack();
    if (!session_) throw StorageError("the connection was lost", StorageError::Kind::lost);
    runAll(batch, Mode::apart);
  }
  finish();
}

// False when a job failed in a way that cannot be undone by itself.
bool Writer::runAll(const Batch& batch, Mode mode) {
  const bool apart = mode == Mode::apart;
  for (const auto& each : batch) each->failure = nullptr;
  changed_ = false;
  shared_.clear();
  backend_.begin(*session_);
  if (onBegin_) onBegin_(*session_);
  if (!apart && backend_.shares() && !runShares(batch)) return false;
  for (const auto& each : batch) {
    if (shared_.contains(each.get())) continue;
    session_->markClean();
    if (apart) session_->once("SAVEPOINT job");
    try {
      each->job(*session_);
      session_->requireSound();
    } catch (...) {
      each->failure = std::current_exception();
      if (isToBeRepeated(each->failure)) throw;
      if (!apart && session_->dirty()) return false;
      if (apart) session_->once("ROLLBACK TO job");
    }
    changed_ = changed_ || session_->dirty();
    if (apart) session_->once("RELEASE job");
  }
  return true;
}

// False when one of the statements failed: each job is then to find out for itself.
bool Writer::runShares(const Batch& batch) {
  struct Gathered {
    std::vector<Values> columns;
    std::map<std::string, const PendingJob*> jobs;
  };
  std::map<std::string, Gathered> statements;
  for (const auto& each : batch) {
    const auto& share = each->share;
    if (!share || !share->holds()) continue;
    Gathered& statement = statements[share->sql];
    statement.columns.resize(share->columns.size());
    for (std::size_t i = 0; i < share->columns.size(); ++i)
      statement.columns[i].insert(statement.columns[i].end(), share->columns[i].begin(),
                                  share->columns[i].end());
    statement.jobs[share->key] = each.get();
  }
  for (const auto& [sql, statement] : statements) try {
      Values arrays;
      for (const auto& column : statement.columns) arrays.emplace_back(arrayOf(column));
      for (const auto& row : session_->rows(sql, "t", arrays))
        shared_.insert(statement.jobs.at(row.text(0)));
      changed_ = true;
    } catch (const StorageError& error) {
      if (error.passes()) throw;
      return false;
    }
  return true;
}

void Writer::finish() {
  if (!changed_) return session_->once("COMMIT");
  ++mark_.serial;
  try {
    backend_.commit(*session_, mark_);
  } catch (const StorageError& error) {
    if (error.kind != StorageError::Kind::lost || !madeAllTheSame(mark_)) throw;
  }
}

bool Writer::madeAllTheSame(const CommitMark& mark) {
  const auto end = std::chrono::steady_clock::now() + kDoubt;
  for (;;) try {
      session_ = nullptr;
      session_ = backend_.openWriter();
      return backend_.committed(*session_, mark);
    } catch (const StorageError&) {
      session_ = nullptr;
      if (std::chrono::steady_clock::now() > end)
        throw StorageError(
            "the connection was lost during a commit, and what became of it is not known",
            StorageError::Kind::unknown);
      if (!outage_.waits()) outage_.pause();
    }
}

void Writer::rollBack() {
  if (session_) try {
      session_->once("ROLLBACK");
    } catch (const StorageError& error) {
      // There was no transaction: BEGIN itself failed, or SQLite has rolled back already.
      if (error.kind == StorageError::Kind::lost) session_ = nullptr;
    }
}

}  // namespace pombo
