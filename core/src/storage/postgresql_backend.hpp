// A PostgreSQL server: several writers, and other processes beside this one.
#pragma once

#include "storage/backend.hpp"
#include "storage/postgresql_url.hpp"

namespace pombo {

class PostgresqlBackend final : public Backend {
 public:
  explicit PostgresqlBackend(const DatabaseOptions&);

  std::unique_ptr<Session> openReader() const override;
  std::unique_ptr<Session> openWriter() const override;
  int writers() const override { return writers_; }
  int readers() const override { return 16; }
  void begin(Session&) const override;
  void commit(Session&, const CommitMark&) const override;
  bool committed(Session&, const CommitMark&) const override;
  bool shares() const override { return true; }
  bool isShared() const override { return true; }
  std::string file() const override { return {}; }

 private:
  const PostgresqlUrl url_;
  const bool full_;
  const int writers_;
};

}  // namespace pombo
