// Events for sinks that keep nothing: handed over at once, and lost with the process.
#pragma once

#include "event/event_cache.hpp"
#include "event/pipeline_thread.hpp"
#include "event/subscriber.hpp"
#include "event/surroundings.hpp"
#include "observe/metrics.hpp"

namespace pombo {

// On the pipeline's thread: what does not fit is dropped and counted, nobody waits for it.
class LiveLane {
 public:
  LiveLane(Surroundings& around, PipelineThread& thread, Metrics& metrics)
      : around_(around), thread_(thread), metrics_(metrics) {}

  void give(Subscriber&, const EventCache::Entry&, const std::string& destination, int attempt = 1);

 private:
  void deliver(Subscriber&, const EventCache::Entry&, const std::string& destination, int attempt);
  void tryAgain(Subscriber&, const EventCache::Entry&, const std::string& destination, int attempt);

  Surroundings& around_;
  PipelineThread& thread_;
  Metrics& metrics_;
};

}  // namespace pombo
