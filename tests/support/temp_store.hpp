// A database of its own for each test, and a clock that the test sets.
#pragma once

#include <stdlib.h>

#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>

#include "pombo/observe.hpp"
#include "storage/store.hpp"

namespace pombo {

// Removed with everything in it.
class TempFolder {
 public:
  TempFolder() {
    std::string path = (std::filesystem::temp_directory_path() / "pombo-XXXXXX").string();
    if (!::mkdtemp(path.data())) throw std::runtime_error("no temporary folder");
    path_ = path;
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  std::string file(const std::string& name) const { return (path_ / name).string(); }
  std::string databaseUrl() const { return "sqlite:" + file("pombo.db"); }
  std::string keyFile() const { return file("pombo.db.key"); }

 private:
  std::filesystem::path path_;
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
    return std::make_unique<Store>(StoreOptions{{folder_.databaseUrl(), "normal"}, "", ""});
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
