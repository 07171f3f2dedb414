// Events, from whoever publishes them to whoever wants them: the threads around the pipeline.
#pragma once

#include <atomic>
#include <random>
#include <set>

#include "event/attempts.hpp"
#include "event/block_deliveries.hpp"
#include "event/delivery_tally.hpp"
#include "event/envelope.hpp"
#include "event/live_lane.hpp"
#include "event/preparation.hpp"
#include "event/publisher.hpp"

namespace pombo {

struct EventsOptions {
  bool includeToken = true;                        // in envelopes
  MessageShape messageShape = MessageShape::live;  // in them, too
  PipelineLimits limits = {};
  Retention retention = {};
  std::string userAgent = {};
  std::chrono::milliseconds enrichTime{30'000};  // of an event's media and all who add to it
  std::size_t liveDeliveries = 8192;             // of one live sink that wait
  std::uint64_t bodyBytes = 256 << 20;           // of all that is being posted
};

class SystemRandom final : public Random {
 public:
  double unit() override { return std::generate_canonical<double, 53>(engine_); }

 private:
  std::mt19937_64 engine_{std::random_device{}()};
};

// Thread-safe from start() on. Nothing is delivered before it, but what is published is accepted.
class Events {
 public:
  // What they are given outlives them. `alongside`: inside the transaction that accepts events.
  Events(const EventsOptions&, Database&, const Egress&, Surroundings&, const IClock&, Log&,
         Metrics&, DatabaseEventStore::Alongside alongside = {});
  ~Events();

  // Before start(); a block that has failed to start is dropped with its sinks. `workers`: threads
  // of a sink that does not post. Throws Error{conflict, unsupported}.
  void subscribe(const std::string& block, IHttpSink&, const Delivery&);
  void subscribe(const std::string& block, IEventSink&, const Delivery&, int workers);
  void drop(const std::string& block);
  // Goes on where the last one stopped.
  void start();
  // Nothing is accepted any more; what is in flight has until then. How many threads are still
  // inside of a block's code: with any, nothing here may be destroyed.
  int stop(std::chrono::steady_clock::time_point deadline);

  // As IEvents; the block whose deliveries they are is named.
  std::vector<std::string> publish(const std::vector<Event>& events) {
    return publisher_.publish(events);
  }
  Json envelope(const Event& event, bool withMediaBase64) const {
    return envelope_.of(event, withMediaBase64);
  }
  BlockDeliveries& deliveries() { return deliveries_; }

  // Its rows are gone.
  void forget(const InstanceId&);
  // Once a minute: what has been kept for long enough goes, and what is left of instances that are
  // gone.
  void tidy();
  void collect(Metrics&);  // before a scrape
  // "fail: <reason>" of blocks with destinations that do not answer.
  std::map<std::string, std::string> health() const;

 private:
  using Time = std::chrono::steady_clock::time_point;

  Subscriber& add(Subscriber);  // under mutex_
  Subscriber* keeping(const std::string& block);
  void carryOut(Work&);
  void begin(const Work&);
  void read(std::size_t events);
  void load(const Load&);
  void attempt(const Attempt&);
  void answered(std::int64_t delivery, const AttemptResult&);
  void spread(const Attempt&, const std::vector<std::string>& destinations);
  void write(const Write&);
  void keepTime();

  const EventsOptions options_;
  Database& database_;
  Log& log_;
  Metrics& metrics_;
  DatabaseEventStore store_;
  const Timeline timeline_;
  StoredQueues standing_;  // as the last one left it; until start()
  EventCache cache_;
  SystemRandom random_;
  DeliveryTally tally_;
  Envelope envelope_;
  Enrichment enrichment_;
  std::mutex mutex_;  // guards the next two, which start() closes
  Subscribers subscribers_;
  std::set<std::string> dropped_;  // a late call may still subscribe
  Barriers barriers_;              // of the pipeline's thread, as the next two
  bool draining_ = false;
  int inFlight_ = 0;
  std::atomic<bool> quiet_{false};  // nothing is in flight, and nothing waits to be written
  bool tellsOfWrites_ = true;       // of the writer's thread
  std::atomic<bool> started_{false};
  std::atomic<bool> tooLate_{false};  // to subscribe
  std::atomic<bool> tidying_{false};
  PipelineThread thread_;
  Publisher publisher_;
  BlockDeliveries deliveries_;
  LiveLane live_;
  Transfers transfers_;
  Attempts attempts_;
  Preparation preparation_;
  Crew readers_{"pombo-reader", 2};
  Crew writer_{"pombo-writer", 1};
};

}  // namespace pombo
