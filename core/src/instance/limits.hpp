// Rate limits: an exact sliding window per bucket.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

namespace pombo {

// What the X-RateLimit headers say.
struct Allowance {
  bool passes = true;
  int limit = 0;                      // requests a minute
  int remaining = 0;                  // that would pass right now, after this one
  std::chrono::milliseconds reset{};  // until one more passes, or the oldest call is forgotten
};

// A request passes iff fewer than `limit` of its bucket passed during the preceding 60 s. Time is
// what the caller says it is, in milliseconds of a clock that never goes back. Thread-safe.
class Limits {
 public:
  static constexpr std::int64_t kWindow = 60'000;  // ms

  // Counts the request when it passes; a refused one costs nothing.
  Allowance take(const std::string& bucket, int limit, std::int64_t now);

  // Buckets that have changed since the last call, each with its calls as (age in ms, how many),
  // oldest first; a bucket whose calls are all forgotten comes with none.
  struct Saved {
    std::string bucket;
    std::vector<std::pair<std::int64_t, int>> calls;
  };
  std::vector<Saved> changes(std::int64_t now);
  void restore(const Saved&, std::int64_t now);
  void changedStill(const std::vector<Saved>&);  // the saving of these has failed

 private:
  struct Window {
    std::deque<std::pair<std::int64_t, int>> calls;  // (time, how many), oldest first
    int total = 0;
    bool changed = false;
    void forgetBefore(std::int64_t time);
  };
  // A hundred thousand strangers must not wait for one lock.
  static constexpr std::size_t kShards = 16;
  struct Shard {
    std::mutex mutex;  // guards windows
    std::unordered_map<std::string, Window> windows;
  };
  Shard& shardOf(const std::string& bucket) {
    return shards_[std::hash<std::string>()(bucket) % kShards];
  }
  Shard shards_[kShards];
};

}  // namespace pombo
