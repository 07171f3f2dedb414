#include "storage/postgresql_backend.hpp"

#include "storage/postgresql_session.hpp"

namespace pombo {
namespace {

constexpr int kWriters = 2;  // one works, the other takes over where a lock of somebody holds it

// One row a writer, with the last of its commits. A transaction's own number would not do for it:
// what a crash has taken with it from the log, PostgreSQL numbers anew.
constexpr auto kMarks =
    "BEGIN; SELECT pg_advisory_xact_lock(7305226310); "
    "CREATE TABLE IF NOT EXISTS storage_commit "
    "(writer TEXT PRIMARY KEY, serial BIGINT NOT NULL, at TIMESTAMPTZ NOT NULL); "
    "DELETE FROM storage_commit WHERE at < now() - interval '7 days'; COMMIT";

std::string marking(const CommitMark& mark, const char* serial) {
  return "INSERT INTO storage_commit (writer, serial, at) VALUES ('" + mark.writer + "', " +
         std::to_string(mark.serial) +
         ", now()) ON CONFLICT (writer) DO UPDATE SET at = now(), serial = " + serial;
}

}  // namespace

PostgresqlBackend::PostgresqlBackend(const DatabaseOptions& options)
    : url_(options.url),
      full_(options.synchronous != "normal"),
      writers_(options.writers > 0 ? options.writers : kWriters) {
  PostgresqlSession(url_).once(kMarks);
}

std::unique_ptr<Session> PostgresqlBackend::openReader() const {
  auto session = std::make_unique<PostgresqlSession>(url_);
  session->once("SET default_transaction_read_only = on");
  return session;
}

std::unique_ptr<Session> PostgresqlBackend::openWriter() const {
  auto session = std::make_unique<PostgresqlSession>(url_);
  session->once(full_ ? "SET synchronous_commit = on" : "SET synchronous_commit = off");
  return session;
}

void PostgresqlBackend::begin(Session& session) const {
  session.once("BEGIN; SELECT pg_advisory_xact_lock_shared(" + PostgresqlSession::writingLock() +
               ")");
}

void PostgresqlBackend::commit(Session& session, const CommitMark& mark) const {
  session.once(marking(mark, "excluded.serial") + "; COMMIT");
}

bool PostgresqlBackend::committed(Session& session, const CommitMark& mark) const {
  // Written to rather than read: then it waits for the lost transaction, should the server still be
  // at it.
  CommitMark none = mark;
  none.serial = -1;
  return session.rows(marking(none, "storage_commit.serial") + " RETURNING serial", "n")
             .front()
             .number(0) == mark.serial;
}

}  // namespace pombo
