// A database of its own for each test, and a clock that the test sets.
#pragma once

#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>

#include "pombo/observe.hpp"
#include "storage/postgresql_session.hpp"
#include "storage/store.hpp"

namespace pombo {

// The PostgreSQL server that the tests are to use, or nothing: SQLite.
inline const char* testServer() { return std::getenv("POMBO_TEST_DATABASE"); }

// A schema of its own on that server, and gone with everything in it.
class TempSchema {
 public:
  explicit TempSchema(const std::string& name) : name_(name) { run("CREATE SCHEMA " + name_); }
  ~TempSchema() {
    try {
      run("DROP SCHEMA " + name_ + " CASCADE");
    } catch (const StorageError&) {
      // The server goes with all of them.
    }
  }
  TempSchema(const TempSchema&) = delete;
  TempSchema& operator=(const TempSchema&) = delete;

  std::string url() const {
    return std::string(testServer()) + "?options=-csearch_path%3D" + name_;
  }

 private:
  static void run(const std::string& sql) {
    PostgresqlSession(PostgresqlUrl(testServer())).once(sql);
  }
  const std::string name_;
};

// Removed with everything in it.
class TempFolder {
 public:
  TempFolder() {
    std::string path = (std::filesystem::temp_directory_path() / "pombo-XXXXXX").string();
    if (!::mkdtemp(path.data())) throw std::runtime_error("no temporary folder");
    path_ = path;
    if (!testServer()) return;
    static int count = 0;
    schema_ = std::make_unique<TempSchema>("t" + std::to_string(::getpid()) + "_" +
                                           std::to_string(++count));
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  std::string file(const std::string& name) const { return (path_ / name).string(); }
  // Of the database that the tests are run on.
  std::string databaseUrl() const {
    return schema_ ? schema_->url() : "sqlite:" + file("pombo.db");
  }
  std::string keyFile() const { return file("pombo.db.key"); }

 private:
  std::filesystem::path path_;
  std::unique_ptr<TempSchema> schema_;
};

// While it lives, INSERT (or DELETE) fails for that table.
class Refusing {
 public:
  Refusing(Database& database, const std::string& what, const std::string& table,
           const std::string& name = "broken")
      : database_(database), table_(table), name_(name) {
    database_.commit([&](Session& session) {
      if (testServer())
        session.once("CREATE FUNCTION " + name_ +
                     "() RETURNS trigger LANGUAGE plpgsql AS "
                     "'BEGIN RAISE EXCEPTION ''disk full''; END'");
      session.once("CREATE TRIGGER " + name_ + " BEFORE " + what + " ON " + table +
                   (testServer() ? " FOR EACH ROW EXECUTE FUNCTION " + name_ + "()"
                                 : " BEGIN SELECT RAISE(ABORT, 'disk full'); END"));
    });
  }
  ~Refusing() {
    database_.commit([&](Session& session) {
      session.once("DROP TRIGGER " + name_ + (testServer() ? " ON " + table_ : ""));
      if (testServer()) session.once("DROP FUNCTION " + name_ + "()");
    });
  }
  Refusing(const Refusing&) = delete;
  Refusing& operator=(const Refusing&) = delete;

 private:
  Database& database_;
  const std::string table_, name_;
};

class SettableClock final : public IClock {
 public:
  TimePoint time{std::chrono::milliseconds(1'795'257'000'000)};  // 2026-11-21T10:30:00Z
  TimePoint now() const override { return time; }
};

class TempStore {
 public:
  TempStore() : store_(open()) {}

  // Another one on the same file, as another process has it.
  std::unique_ptr<Store> open() const {
    // One writer: tests that hold it hold them all.
    return std::make_unique<Store>(
        StoreOptions{{folder_.databaseUrl(), "normal", 1}, "", folder_.keyFile()});
  }

  const TempFolder& folder() const { return folder_; }
  Store& operator*() { return *store_; }
  Store* operator->() { return store_.get(); }
  Database& database() { return store_->database(); }
  Sealer& sealer() { return store_->sealer(); }
  SettableClock clock;

 private:
  TempFolder folder_;
  std::unique_ptr<Store> store_;
};

}  // namespace pombo
