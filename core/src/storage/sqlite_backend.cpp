#include "storage/sqlite_backend.hpp"

#include <sys/stat.h>

#include <chrono>

#include "storage/sqlite_session.hpp"

namespace pombo {
namespace {

constexpr std::chrono::seconds kPatience{10};  // as SQLite has by itself

// Of those who switch a new file at once SQLite turns some away without waiting, because each reads
// what the other is about to write. A transaction is waited for.
void switchToWal(Session& session) {
  for (const auto end = std::chrono::steady_clock::now() + kPatience;;) try {
      return session.once("PRAGMA journal_mode=WAL");
    } catch (const StorageError& error) {
      if (error.kind != StorageError::Kind::busy || std::chrono::steady_clock::now() > end) throw;
      session.once("BEGIN IMMEDIATE");
      session.once("COMMIT");
    }
}

}  // namespace

SqliteBackend::SqliteBackend(std::string path, bool full) : path_(std::move(path)), full_(full) {
  ::umask(077);  // tokens' hashes and sealed secrets are nobody else's to read
}

std::unique_ptr<Session> SqliteBackend::openWriter() const {
  auto session = std::make_unique<SqliteSession>(path_);
  switchToWal(*session);
  session->once(full_ ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL");
  session->once("PRAGMA foreign_keys=ON");
  // A large WAL costs disk, a small one costs a checkpoint's two syncs every few commits.
  session->once("PRAGMA wal_autocheckpoint=4000");
  return session;
}

std::unique_ptr<Session> SqliteBackend::openReader() const {
  auto session = openWriter();
  session->once("PRAGMA query_only=ON");  // what is written beside the writer is not committed
  return session;
}

}  // namespace pombo
