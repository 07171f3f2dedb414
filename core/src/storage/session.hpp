// One connection to the database, with its prepared statements.
#pragma once

#include <cstdint>
#include <memory>
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
  const std::vector<SqlValue>& cells() const { return cells_; }

 private:
  std::vector<SqlValue> cells_;
};

// Not thread-safe: one thread at a time. Statements are prepared once and kept; a name may appear
// once in a statement, and values bind in order of appearance. Throws StorageError.
class Session {
 public:
  explicit Session(const std::string& connection);
  ~Session();

  // Rows affected.
  std::int64_t run(const std::string& sql, const Values& values = {});
  // `columns` says how each one is read: 't' text, 'n' whole number, 'r' real.
  std::vector<Row> rows(const std::string& sql, const std::string& columns,
                        const Values& values = {});
  // Columns by name, for statements that core does not know.
  std::vector<SqlRow> query(const std::string& sql, const Values& values);
  // Not prepared, no values: BEGIN, PRAGMA, DDL.
  void once(const std::string& sql);

  // Whether a row was changed since markClean(): if not, a failed job needs no rollback.
  bool dirty() const { return dirty_; }
  void markClean() { dirty_ = false; }

 private:
  class Connection;
  class Prepared;
  Prepared& prepared(const std::string& sql, const std::string& columns, const Values&);

  std::unique_ptr<Connection> connection_;
  bool dirty_ = false;
};

// The database failed or refused; the text is for the log, never for a client.
struct StorageError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace pombo
