// One connection to the database, with its prepared statements.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "pombo/storage.hpp"

namespace pombo {

using Values = std::vector<SqlValue>;

// One row of an answer, by position.
class Row {
 public:
  explicit Row(std::vector<SqlValue> cells) : cells_(std::move(cells)) {}
  bool null(std::size_t at) const { return std::holds_alternative<std::monostate>(cells_.at(at)); }
  const std::string& text(std::size_t at) const;  // "" when null
  std::int64_t number(std::size_t at) const;      // 0 when null
  std::string take(std::size_t at);               // text(), which is gone then
  const std::vector<SqlValue>& cells() const { return cells_; }

 private:
  std::vector<SqlValue> cells_;
};

// Not thread-safe: one thread at a time. Statements are prepared once and kept; a name may appear
// once in a statement, and values bind in order of appearance. Throws StorageError.
//
// Three marks in the SQL stand for what the databases spell differently: {clustered} after a table
// whose rows lie in the order of its key, {bytewise} after a text in ORDER BY that no language has
// a say in, and {locked} after a SELECT whose rows nobody else may change until the transaction
// ends.
class Session {
 public:
  virtual ~Session() = default;

  // Rows affected.
  virtual std::int64_t run(const std::string& sql, const Values& values = {}) = 0;
  // `columns` says how each one is read: 't' text, 'n' whole number, 'r' real.
  virtual std::vector<Row> rows(const std::string& sql, const std::string& columns,
                                const Values& values = {}) = 0;
  // Columns by name, for statements that core does not know.
  virtual std::vector<SqlRow> query(const std::string& sql, const Values& values) = 0;
  // Not prepared, no values: BEGIN, PRAGMA, DDL.
  virtual void once(const std::string& sql) = 0;
  // In a transaction: until it ends, no other writes beside it, in whatever process.
  virtual void alone() = 0;
  // Throws when a statement has failed in a way that keeps the transaction from being committed,
  // for jobs that let a failure pass.
  virtual void requireSound() const {}

  // Whether a row was changed since markClean(): if not, a failed job needs no rollback.
  bool dirty() const { return dirty_; }
  void markClean() { dirty_ = false; }

 protected:
  void markDirty() { dirty_ = true; }

 private:
  bool dirty_ = false;
};

// The database failed or refused; the text is for the log, never for a client, and holds no value.
struct StorageError : std::runtime_error {
  enum class Kind { other, taken, busy, conflict, lost, unknown };

  explicit StorageError(const std::string& text, Kind what = Kind::other)
      : std::runtime_error(text), kind(what) {}
  // Whether the same may well succeed when it is done again.
  bool passes() const { return kind == Kind::conflict || kind == Kind::lost; }

  // taken: a unique value is there already; busy: another connection has the database to itself;
  // conflict: two transactions were in each other's way; lost: the connection is gone, and with it
  // what was not committed; unknown: whether the commit was made.
  Kind kind;
};

// Whether it can stand in every database: UTF-8 without NUL.
bool isText(const std::string&);

// `sql` with every `mark` spelled as `words`.
std::string spelled(std::string sql, const std::string& mark, const std::string& words);

}  // namespace pombo
