// A connection to an SQLite file.
#pragma once

#include <memory>

#include "storage/session.hpp"

namespace pombo {

class SqliteSession final : public Session {
 public:
  explicit SqliteSession(const std::string& path);
  ~SqliteSession() override;

  std::int64_t run(const std::string& sql, const Values& values = {}) override;
  std::vector<Row> rows(const std::string& sql, const std::string& columns,
                        const Values& values = {}) override;
  std::vector<SqlRow> query(const std::string& sql, const Values& values) override;
  void once(const std::string& sql) override;
  void alone() override {}  // whoever writes is

 private:
  class Connection;
  class Prepared;
  Prepared& prepared(const std::string& sql, const std::string& columns, const Values&);

  std::unique_ptr<Connection> connection_;
};

}  // namespace pombo
