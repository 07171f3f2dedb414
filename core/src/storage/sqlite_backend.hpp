// SQLite in WAL mode: one writer, readers beside it.
#pragma once

#include "storage/backend.hpp"

namespace pombo {

class SqliteBackend final : public Backend {
 public:
  SqliteBackend(std::string path, bool full);

  std::unique_ptr<Session> openReader() const override;
  std::unique_ptr<Session> openWriter() const override;
  int writers() const override { return 1; }
  int readers() const override { return 1024; }
  void begin(Session& session) const override { session.once("BEGIN IMMEDIATE"); }
  void commit(Session& session, const CommitMark&) const override { session.once("COMMIT"); }
  bool committed(Session&, const CommitMark&) const override { return false; }
  bool shares() const override { return false; }
  bool isShared() const override { return false; }
  std::string file() const override { return path_; }

 private:
  const std::string path_;
  const bool full_;
};

}  // namespace pombo
