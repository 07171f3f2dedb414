#include "storage/sqlite_backend.hpp"

#include <sys/stat.h>

#include "storage/sqlite_session.hpp"

namespace pombo {

SqliteBackend::SqliteBackend(std::string path, bool full) : path_(std::move(path)), full_(full) {
  ::umask(077);  // tokens' hashes and sealed secrets are nobody else's to read
}

std::unique_ptr<Session> SqliteBackend::openWriter() const {
  auto session = std::make_unique<SqliteSession>(path_);
  session->once("PRAGMA journal_mode=WAL");
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
