// How events come in: completed, checked, and durable before anyone is told so.
#pragma once

#include <atomic>

#include "event/event_cache.hpp"
#include "event/pipeline_thread.hpp"
#include "event/surroundings.hpp"
#include "observe/logger.hpp"
#include "observe/metrics.hpp"

namespace pombo {

// Thread-safe.
class Publisher {
 public:
  Publisher(Surroundings& around, DatabaseEventStore& store, EventCache& cache,
            PipelineThread& thread, const IClock& clock, Log& log, Metrics& metrics)
      : around_(around),
        store_(store),
        cache_(cache),
        thread_(thread),
        clock_(clock),
        log_(log),
        metrics_(metrics) {}

  // As IEvents::publish().
  std::vector<std::string> publish(std::vector<Event>);
  void close() { closed_ = true; }

 private:
  void requireGood(const std::vector<Event>&) const;
  void hand(std::vector<Event>, const Acceptance&);

  Surroundings& around_;
  DatabaseEventStore& store_;
  EventCache& cache_;
  PipelineThread& thread_;
  const IClock& clock_;
  Log& log_;
  Metrics& metrics_;
  std::atomic<bool> closed_{false};
  std::atomic<bool> tells_{true};  // of what is not accepted: once, until something is
};

}  // namespace pombo
