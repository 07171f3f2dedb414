#include "event/preparation.hpp"

#include "event/kill_point.hpp"
#include "event/media_part.hpp"

namespace pombo {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kRouteTime{5}, kPatience{10};
constexpr Millis kPause = 250;  // before what has failed is tried again

}  // namespace

struct Preparation::Routes {
  std::vector<Destination> kept;
  std::vector<std::pair<Subscriber*, std::vector<std::string>>> live;
};

Preparation::Preparation(Surroundings& around, EventCache& cache, Enrichment& enrichment,
                         const Subscribers& subscribers, PipelineThread& thread, Metrics& metrics,
                         std::chrono::milliseconds patience, Live live)
    : around_(around),
      cache_(cache),
      enrichment_(enrichment),
      subscribers_(subscribers),
      thread_(thread),
      metrics_(metrics),
      patience_(patience),
      live_(std::move(live)) {}

void Preparation::start(const AcceptedEvent& accepted) {
  routing_.push([this, accepted] { begin(accepted); });
}

void Preparation::begin(const AcceptedEvent& accepted) {
  Entry event;
  try {
    event = cache_.find(accepted.seq, accepted.bytes);
  } catch (const std::exception&) {
    return tryAgain(accepted.seq);
  }
  if (!event) return tell(accepted, nullptr, std::make_shared<Routes>(), false);
  // What nobody is sent has no media to be fetched by them, and a history has many.
  if (around_.isInner(*event) || (!carriesMedia(*event) && !enrichment_.isOffered()))
    return route(accepted, event, false);
  enriching_.push(accepted.instance, [this, accepted, event, deadline = Clock::now() + patience_] {
    enrich(accepted, event, deadline);
  });
}

void Preparation::enrich(const AcceptedEvent& accepted, const Entry& event,
                         Enrichment::Time deadline) {
  const auto enriched = enrichment_.enriched(withMediaKept(event, deadline), deadline);
  routing_.push([this, accepted, enriched, isChanged = enriched != event] {
    route(accepted, enriched, isChanged);
  });
}

Preparation::Entry Preparation::withMediaKept(const Entry& event, Enrichment::Time deadline) {
  if (!carriesMedia(*event)) return event;
  std::string reason;
  try {
    around_.keepMedia(*event, deadline);
    return event;
  } catch (const Error& error) {
    reason = error.what();
  } catch (const std::exception&) {
    reason = "Media could not be stored";
  }
  Event changed = *event;
  if (!tellMediaError(changed.data, reason)) return event;
  return std::make_shared<const Event>(std::move(changed));
}

void Preparation::route(const AcceptedEvent& accepted, const Entry& event, bool isChanged) {
  const auto routes = std::make_shared<Routes>();
  const bool isInner = around_.isInner(*event);
  for (const auto& each : subscribers_)
    if (each->wants(event->type, isInner)) ask(*each, event, *routes);
  killPoint("prepare.after_route");
  tell(accepted, event, routes, isChanged);
}

// Nobody waits for a block that cannot say it now.
void Preparation::ask(Subscriber& to, const Entry& event, Routes& routes) {
  const auto found = std::make_shared<std::vector<std::string>>();
  if (!route(to, event, found)) {
    metrics_.count("pombo_" + to.block + "_route_failed_total", {});
    if (to.isLive()) return;
    *found = {kUnrouted};
  }
  if (to.isLive())
    routes.live.emplace_back(&to, std::move(*found));
  else
    for (auto& name : *found) routes.kept.push_back({to.block, std::move(name)});
}

// One that was late is not waited for again at once.
bool Preparation::route(const Subscriber& to, const Entry& event,
                        const std::shared_ptr<std::vector<std::string>>& found) {
  {
    std::lock_guard lock(mutex_);
    if (Clock::now() < notBefore_[to.block]) return false;
  }
  const auto failure =
      around_.call(to.block, "route", kRouteTime,
                   [route = to.router(), event, found] { *found = route(*event); });
  if (failure && failure->code == Code::timedOut) {
    std::lock_guard lock(mutex_);
    notBefore_[to.block] = Clock::now() + kPatience;
  }
  return !failure;
}

void Preparation::tryAgain(std::int64_t seq) {
  thread_.sayAfter(kPause, [seq](Pipeline& pipeline, Millis) { pipeline.notPrepared(seq); });
}

void Preparation::tell(const AcceptedEvent& accepted, const Entry& event,
                       std::shared_ptr<Routes> routes, bool isChanged) {
  std::optional<std::string> data;
  if (isChanged) {
    data = boost::json::serialize(event->data);
    if (isText(*data) && isFinite(event->data))
      cache_.put(accepted.seq, event, static_cast<std::int64_t>(data->size()));
    else
      data.reset();  // it goes on as it was accepted
  }
  thread_.say([this, accepted, event, routes = std::move(routes), data = std::move(data)](
                  Pipeline& pipeline, Millis now) {
    pipeline.prepared(accepted, routes->kept, data, now);
    for (const auto& [sink, names] : routes->live) live_(*sink, event, names);
  });
}

}  // namespace pombo
