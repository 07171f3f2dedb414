// What blocks add to an event before anyone receives it.
#pragma once

#include <map>
#include <mutex>

#include "event/surroundings.hpp"
#include "observe/logger.hpp"
#include "observe/metrics.hpp"

namespace pombo {

// An event goes on without what does not come in time. An enricher that fails three times in a row
// is not asked for half a minute. Thread-safe.
class Enrichment {
 public:
  // `budget`: of all that add to one event.
  Enrichment(Surroundings& around, Log& log, Metrics& metrics, std::chrono::milliseconds budget)
      : around_(around), log_(log), metrics_(metrics), budget_(budget) {}

  // Once the blocks have started.
  void start() { enrichers_ = around_.enrichers(); }
  bool isLoaded() const { return !enrichers_.empty(); }
  // Whether anyone would be asked now.
  bool isOffered();
  // The same event when nobody had anything to add. May take its time.
  std::shared_ptr<const Event> enriched(std::shared_ptr<const Event>);

 private:
  using Time = std::chrono::steady_clock::time_point;
  struct Record {
    int failures = 0;  // in a row
    Time askAgain = {};
  };

  bool mayAsk(const std::string& block);
  void succeeded(const std::string& block);
  void failed(const std::string& block, const std::string& reason);

  Surroundings& around_;
  Log& log_;
  Metrics& metrics_;
  const std::chrono::milliseconds budget_;
  std::vector<std::pair<std::string, IEnricher*>> enrichers_;
  std::mutex mutex_;  // guards records_
  std::map<std::string, Record> records_;
};

}  // namespace pombo
