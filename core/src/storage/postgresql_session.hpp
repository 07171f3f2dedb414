// A connection to a PostgreSQL server.
#pragma once

#include <memory>

#include "storage/postgresql_url.hpp"
#include "storage/session.hpp"

struct pg_result;  // libpq's

namespace pombo {

class PostgresqlSession final : public Session {
 public:
  explicit PostgresqlSession(const PostgresqlUrl&);
  ~PostgresqlSession() override;

  std::int64_t run(const std::string& sql, const Values& values = {}) override;
  std::vector<Row> rows(const std::string& sql, const std::string& columns,
                        const Values& values = {}) override;
  std::vector<SqlRow> query(const std::string& sql, const Values& values) override;
  void once(const std::string& sql) override;
  void alone() override;
  void requireSound() const override;

  // The number of the advisory lock that every writing transaction shares, and alone() does not.
  static std::string writingLock() { return "7305226311"; }

 private:
  class Connection;
  class Prepared;
  Prepared& prepared(const std::string& sql);
  void execute(const std::string& sql, const Values&);
  void keep(pg_result*);  // throws what it says

  std::unique_ptr<Connection> connection_;
};

}  // namespace pombo
