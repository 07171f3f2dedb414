// Events that are on their way: what was just accepted need not be read again.
#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "event/database_event_store.hpp"

namespace pombo {

// Thread-safe. Keeps the latest, up to so many bytes of memory.
class EventCache {
 public:
  using Entry = std::shared_ptr<const Event>;

  EventCache(DatabaseEventStore& store, std::int64_t bytes) : store_(store), most_(bytes) {}

  // `bytes`: of its text. Unless it is there already, and may have been enriched since.
  void add(std::int64_t seq, Entry, std::int64_t bytes);
  // A second one replaces the first.
  void put(std::int64_t seq, Entry, std::int64_t bytes);
  // Null: it is gone. Throws what the database does.
  Entry find(std::int64_t seq, std::int64_t bytes);

 private:
  void keep(std::int64_t seq, Entry, std::int64_t bytes, bool replacing);

  struct Kept {
    Entry event;
    std::int64_t bytes = 0;
  };

  DatabaseEventStore& store_;
  const std::int64_t most_;
  std::mutex mutex_;  // guards all below
  std::unordered_map<std::int64_t, Kept> kept_;
  std::deque<std::int64_t> order_;
  std::int64_t bytes_ = 0;
};

}  // namespace pombo
