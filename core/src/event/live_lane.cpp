#include "event/live_lane.hpp"

namespace pombo {

void LiveLane::give(Subscriber& to, const EventCache::Entry& event, const std::string& destination,
                    int attempt) {
  if (!to.lane->push(event->instance, [this, &to, event, destination, attempt] {
        deliver(to, event, destination, attempt);
      }))
    metrics_.count("pombo_" + to.block + "_dropped_total", {});
}

void LiveLane::deliver(Subscriber& to, const EventCache::Entry& event,
                       const std::string& destination, int attempt) {
  const auto verdict = std::make_shared<Verdict>();
  const auto failure = around_.call(to.block, "deliver", to.delivery.timeout,
                                    [verdict, sink = to.own, event, destination] {
                                      *verdict = sink->deliver(*event, destination);
                                    });
  if (failure || verdict->outcome == Outcome::retry)
    tryAgain(to, event, destination, attempt);
  else
    metrics_.count("pombo_" + to.block +
                       (verdict->outcome == Outcome::done ? "_delivered_total" : "_dropped_total"),
                   {});
}

void LiveLane::tryAgain(Subscriber& to, const EventCache::Entry& event,
                        const std::string& destination, int attempt) {
  const auto& waits = to.delivery.retries;
  if (static_cast<std::size_t>(attempt) > waits.size())
    return metrics_.count("pombo_" + to.block + "_dropped_total", {});
  metrics_.count("pombo_" + to.block + "_retried_total", {});
  thread_.sayAfter(waits[static_cast<std::size_t>(attempt) - 1].count(),
                   [this, &to, event, destination, attempt](Pipeline&, Millis) {
                     give(to, event, destination, attempt + 1);
                   });
}

}  // namespace pombo
