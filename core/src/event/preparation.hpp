// From an accepted event to who wants it: its media fetched, enriched, then routed by each sink.
#pragma once

#include <limits>

#include "event/crew.hpp"
#include "event/enrichment.hpp"
#include "event/event_cache.hpp"
#include "event/pipeline_thread.hpp"
#include "event/sink_lane.hpp"
#include "event/subscriber.hpp"

namespace pombo {

class Preparation {
 public:
  using Entry = EventCache::Entry;
  // On the pipeline's thread: what a live sink is to be given at once.
  using Live = std::function<void(Subscriber&, const Entry&, const std::vector<std::string>&)>;

  // `patience`: for what an event gets by its media and its enrichers, together.
  Preparation(Surroundings&, EventCache&, Enrichment&, const Subscribers&, PipelineThread&,
              Metrics&, std::chrono::milliseconds patience, Live);

  void start(const AcceptedEvent&);
  int stop(Crew::Time deadline) { return enriching_.stop(deadline) + routing_.stop(deadline); }

 private:
  struct Routes;

  void begin(const AcceptedEvent&);
  void enrich(const AcceptedEvent&, const Entry&, Enrichment::Time deadline);
  Entry withMediaKept(const Entry&, Enrichment::Time deadline);
  void route(const AcceptedEvent&, const Entry&, bool isChanged);
  void ask(Subscriber&, const Entry&, Routes&);
  bool route(const Subscriber&, const Entry&, const std::shared_ptr<std::vector<std::string>>&);
  void tryAgain(std::int64_t seq);
  void tell(const AcceptedEvent&, const Entry&, std::shared_ptr<Routes>, bool isChanged);

  Surroundings& around_;
  EventCache& cache_;
  Enrichment& enrichment_;
  const Subscribers& subscribers_;
  PipelineThread& thread_;
  Metrics& metrics_;
  const std::chrono::milliseconds patience_;
  const Live live_;
  std::mutex mutex_;                                                        // guards notBefore_
  std::map<std::string, std::chrono::steady_clock::time_point> notBefore_;  // by block
  Crew routing_{"pombo-route", 4};
  // What hangs for one instance has a few of the threads, and its events wait no longer for that.
  SinkLane enriching_{64, std::numeric_limits<std::size_t>::max(), 4};
};

}  // namespace pombo
