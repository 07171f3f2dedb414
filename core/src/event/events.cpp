#include "event/events.hpp"

#include <algorithm>
#include <limits>

namespace pombo {
namespace {

constexpr std::int64_t kCacheBytes = 32 << 20;
constexpr std::size_t kPrunedAtOnce = 500;
constexpr std::chrono::seconds kPruneTime{30};  // of each minute
constexpr std::chrono::milliseconds kLook{5};
constexpr int kMakers = 4, kFetchers = 16;  // threads of a sink that posts

QueueRules rulesOf(const Delivery& delivery) {
  QueueRules rules{.inFlight = std::clamp(delivery.inFlight, 1, 64)};
  for (const auto& wait : delivery.retries) rules.waits.push_back(wait.count());
  return rules;
}

}  // namespace

Events::Events(const EventsOptions& options, Database& database, const Egress& egress,
               Surroundings& around, const IClock& clock, Log& log, Metrics& metrics,
               DatabaseEventStore::Alongside alongside)
    : options_(options),
      database_(database),
      log_(log),
      metrics_(metrics),
      store_(database, std::move(alongside),
             [&around](const Event& event) { return around.isInner(event); }),
      timeline_(currentMoment(), store_.anchor()),
      standing_(store_.restore(timeline_.at(currentMoment()))),
      cache_(store_, kCacheBytes),
      tally_(log, metrics, options.limits.breakerAfter),
      envelope_(around, clock, options.includeToken, options.messageShape),
      enrichment_(around, log, metrics),
      thread_(
          options.limits, random_, [this] { return timeline_.at(currentMoment()); },
          [this](Work& work) { carryOut(work); }),
      publisher_(around, store_, cache_, thread_, clock, log, metrics),
      deliveries_(database, thread_, barriers_, timeline_),
      live_(around, thread_, metrics),
      transfers_(egress, options.userAgent),
      attempts_(
          around, cache_, timeline_, transfers_, options.bodyBytes,
          [this](std::int64_t delivery, const AttemptResult& result) {
            answered(delivery, result);
          },
          [this](const Attempt& attempt, const std::vector<std::string>& destinations) {
            spread(attempt, destinations);
          }),
      preparation_(around, cache_, enrichment_, subscribers_, thread_, metrics, options.enrichTime,
                   [this](Subscriber& to, const EventCache::Entry& event,
                          const std::vector<std::string>& destinations) {
                     for (const auto& each : destinations) live_.give(to, event, each);
                   }) {
  tally_.restored(standing_);
}

Events::~Events() { stop(Time::clock::now()); }

void Events::subscribe(const std::string& block, IHttpSink& sink, const Delivery& delivery) {
  if (delivery.keep == Keep::memory)
    throw Error(Code::unsupported, "A sink that posts keeps on disk");
  std::lock_guard lock(mutex_);
  auto& added = add({.block = block, .http = &sink, .delivery = delivery});
  added.making = std::make_unique<SinkLane>(kMakers, std::numeric_limits<std::size_t>::max());
  added.lane = std::make_unique<SinkLane>(kFetchers, std::size_t(options_.limits.inFlight));
}

void Events::subscribe(const std::string& block, IEventSink& sink, const Delivery& delivery,
                       int workers) {
  std::lock_guard lock(mutex_);
  auto& added = add({.block = block, .own = &sink, .delivery = delivery});
  added.lane = std::make_unique<SinkLane>(
      workers, added.isLive() ? options_.liveDeliveries
                              : static_cast<std::size_t>(options_.limits.inFlight));
}

Subscriber& Events::add(Subscriber subscriber) {
  if (tooLate_ || dropped_.contains(subscriber.block))
    throw Error(Code::conflict, "It is too late to subscribe");
  for (const auto& each : subscribers_) {
    if (each->block != subscriber.block) continue;
    if (!each->http == !subscriber.http)
      throw Error(Code::conflict, "The sink is subscribed already");
    if (!each->isLive() && !subscriber.isLive())
      throw Error(Code::unsupported, "A block has one sink that keeps on disk");
  }
  return *subscribers_.emplace_back(std::make_unique<Subscriber>(std::move(subscriber)));
}

void Events::drop(const std::string& block) {
  std::lock_guard lock(mutex_);
  dropped_.insert(block);
  std::erase_if(subscribers_, [&](const auto& each) { return each->block == block; });
}

Subscriber* Events::keeping(const std::string& block) {
  for (const auto& each : subscribers_)
    if (each->block == block && !each->isLive()) return each.get();
  return nullptr;
}

void Events::start() {
  std::lock_guard lock(mutex_);
  enrichment_.start();
  keepTime();
  Pipeline& pipeline = thread_.pipeline();
  pipeline.letChatsPass();
  for (const auto& each : subscribers_)
    if (!each->isLive()) {
      pipeline.serve(each->block, rulesOf(each->delivery));
      tally_.expect(each->block);
    }
  pipeline.restore(std::exchange(standing_, {}));
  thread_.start();
  started_ = tooLate_ = true;
}

int Events::stop(Time deadline) {
  publisher_.close();
  if (!started_.exchange(false)) return 0;
  thread_.say([this](Pipeline&, Millis) { draining_ = true; });
  while (!quiet_ && Time::clock::now() < deadline) std::this_thread::sleep_for(kLook);
  transfers_.stop();
  deadline = std::max(deadline, Time::clock::now() + std::chrono::seconds(1));
  attempts_.close();
  int strays = preparation_.stop(deadline) + readers_.stop(deadline);
  for (const auto& each : subscribers_) strays += each->stop(deadline);
  strays += writer_.stop(deadline);
  thread_.stop();
  keepTime();
  return strays;
}

// On the pipeline's thread.
void Events::carryOut(Work& work) {
  if (!draining_) begin(work);
  barriers_.begun(work.write);
  if (work.write) writer_.push([this, what = work.write] { write(*what); });
  quiet_ = draining_ && inFlight_ == 0 && !barriers_.writing();
}

void Events::begin(const Work& work) {
  for (const auto& each : work.prepare) preparation_.start(each);
  if (work.readEvents > 0) readers_.push([this, most = work.readEvents] { read(most); });
  for (const auto& each : work.loads) readers_.push([this, each] { load(each); });
  inFlight_ += static_cast<int>(work.attempts.size());
  for (const auto& each : work.attempts) attempt(each);
}

void Events::attempt(const Attempt& attempt) {
  if (auto* const to = keeping(attempt.to.block))
    attempts_.start(attempt, *to);
  else
    answered(attempt.delivery.id, {.outcome = Outcome::retry, .reason = "nobody delivers"});
}

void Events::answered(std::int64_t delivery, const AttemptResult& result) {
  thread_.say([this, delivery, result](Pipeline& pipeline, Millis now) {
    pipeline.answered(delivery, result, now);
    --inFlight_;
  });
}

void Events::spread(const Attempt& attempt, const std::vector<std::string>& destinations) {
  thread_.say([this, attempt, destinations](Pipeline& pipeline, Millis now) {
    std::vector<Destination> to;
    for (const auto& name : destinations) to.push_back({attempt.to.block, name});
    pipeline.routedLater(attempt.to.instance, attempt.delivery, to, now);
    barriers_.add(pipeline.writesAhead(), [this, id = attempt.delivery.id] { answered(id, {}); });
  });
}

void Events::read(std::size_t most) {
  try {
    thread_.say([most, events = store_.unrouted(most)](Pipeline& pipeline, Millis) {
      pipeline.eventsLoaded(events, most);
    });
  } catch (const std::exception&) {
    thread_.say([](Pipeline& pipeline, Millis now) { pipeline.readEventsFailed(now); });
  }
}

void Events::load(const Load& load) {
  try {
    thread_.say([load, rows = store_.load(load)](Pipeline& pipeline, Millis now) {
      pipeline.loaded(load, rows, now);
    });
  } catch (const std::exception&) {
    thread_.say([load](Pipeline& pipeline, Millis now) { pipeline.loadFailed(load, now); });
  }
}

// Repeated until it is known to be made: told once, when it begins to fail.
void Events::write(const Write& write) {
  try {
    auto refused = store_.write(write);
    tally_.written(write);
    tellsOfWrites_ = true;
    thread_.say([this, refused = std::move(refused)](Pipeline& pipeline, Millis now) {
      pipeline.committed(refused, now);
      barriers_.committed();
    });
  } catch (const std::exception& error) {
    metrics_.count("pombo_events_write_failures_total", {});
    if (std::exchange(tellsOfWrites_, false))
      log_.write(Level::error, "Deliveries cannot be written", {{"reason", error.what()}});
    thread_.say([this](Pipeline& pipeline, Millis now) {
      pipeline.notCommitted(now);
      barriers_.notCommitted();
    });
  }
}

void Events::forget(const InstanceId& instance) {
  tally_.forget(instance);
  thread_.say([instance](Pipeline& pipeline, Millis) { pipeline.forget(instance); });
}

void Events::keepTime() {
  try {
    store_.keep(timeline_.anchor(currentMoment()));
  } catch (const std::exception& error) {
    log_.write(Level::warn, "The time of deliveries was not kept", {{"reason", error.what()}});
  }
}

void Events::tidy() {
  if (tidying_.exchange(true)) return;
  readers_.push([this] {
    keepTime();
    try {
      const auto until = Time::clock::now() + kPruneTime;
      while (started_ && Time::clock::now() < until) {
        const bool erased = store_.sweep(kPrunedAtOnce);
        const auto pruned = store_.prune(options_.retention, thread_.now(), kPrunedAtOnce);
        if (!erased && pruned < kPrunedAtOnce) break;
      }
    } catch (const std::exception& error) {
      log_.write(Level::warn, "Old deliveries were not removed", {{"reason", error.what()}});
    }
    tidying_ = false;
  });
}

void Events::collect(Metrics& metrics) {
  auto open = tally_.breakersOpen();
  for (const auto& each : subscribers_)
    if (!each->isLive()) open.try_emplace(each->block);
  for (const auto& [block, destinations] : open)
    metrics.observe("pombo_" + block + "_breaker_open", {}, destinations);
  if (database_.away()) return;
  const Millis now = thread_.now();
  auto counts = deliveries_.counts();
  for (const auto& each : open) counts.try_emplace(each.first);
  for (const auto& [block, count] : counts) {
    metrics.observe("pombo_" + block + "_pending", {}, double(count.pending));
    metrics.observe("pombo_" + block + "_dead_letters", {}, double(count.dead));
    const Millis age = count.oldest ? std::max<Millis>(0, now - *count.oldest) : 0;
    metrics.observe("pombo_" + block + "_oldest_pending_seconds", {}, double(age) / 1000);
  }
}

std::map<std::string, std::string> Events::health() const {
  std::map<std::string, std::string> checks;
  for (const auto& [block, open] : tally_.breakersOpen())
    if (open > 0)
      checks[block] = "fail: " + std::to_string(open) +
                      (open == 1 ? " destination does" : " destinations do") + " not answer";
  return checks;
}

}  // namespace pombo
