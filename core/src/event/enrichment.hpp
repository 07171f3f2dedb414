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
  using Time = std::chrono::steady_clock::time_point;

  Enrichment(Surroundings& around, Log& log, Metrics& metrics)
      : around_(around), log_(log), metrics_(metrics) {}

  // Once the blocks have started.
  void start() { enrichers_ = around_.enrichers(); }
  // Whether anyone would be asked now.
  bool isOffered();
  // The same event when nobody had anything to add. May take its time, until then.
  std::shared_ptr<const Event> enriched(std::shared_ptr<const Event>, Time deadline);

 private:
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
  std::vector<std::pair<std::string, IEnricher*>> enrichers_;
  std::mutex mutex_;  // guards records_
  std::map<std::string, Record> records_;
};

}  // namespace pombo
