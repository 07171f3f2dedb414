// Events and deliveries in the database.
#pragma once

#include <atomic>
#include <functional>

#include "event/event_store.hpp"
#include "event/timeline.hpp"
#include "storage/database.hpp"

namespace pombo {

// Whether it can be read again once it is written: JSON has no word for other numbers.
bool isFinite(const Json&);

struct Retention {
  Millis delivered = Millis{24} * 60 * 60 * 1000;
  Millis dead = Millis{14} * 24 * 60 * 60 * 1000;
  Millis seen = Millis{7} * 24 * 60 * 60 * 1000;  // messages that are not to be accepted again
};

class DatabaseEventStore final : public EventStore {
 public:
  // Inside the transaction that accepts these; may run again.
  using Alongside = std::function<void(Session&, const std::vector<Event>&)>;

  // Whether no client hears of an event: what they were not told may come once more, for them.
  using IsInner = std::function<bool(const Event&)>;

  explicit DatabaseEventStore(Database& database, Alongside alongside = {}, IsInner isInner = {})
      : database_(database), alongside_(std::move(alongside)), isInner_(std::move(isInner)) {}

  // Throws Error{invalid} for texts that no database can hold.
  Acceptance accept(const std::vector<Event>&, Millis now) override;
  NoEffect write(const Write&) override;
  std::vector<PendingDelivery> load(const Load&) override;
  std::vector<AcceptedEvent> unrouted(std::size_t limit) override;
  StoredQueues restore(Millis now) override;

  // As it was accepted, or enriched since. Nothing: it is gone.
  std::optional<Event> find(std::int64_t seq);

  std::optional<TimeAnchor> anchor();
  void keep(const TimeAnchor&);

  // What has been kept for long enough, at most so many deliveries and as many messages that were
  // seen. How many of what there was more of: again, until it is less than `most`.
  std::size_t prune(const Retention&, Millis now, std::size_t most);
  // Inside a transaction, and quick: nothing of the instance is delivered or shown any more. Its
  // rows go by and by.
  static void erase(Session&, const InstanceId&);
  // Removes at most so many rows of each kind of what was erased. Whether there was anything to do.
  bool sweep(std::size_t most);

 private:
  Database& database_;
  const Alongside alongside_;
  const IsInner isInner_;
  std::atomic<std::int64_t> lastSeq_{0};
};

}  // namespace pombo
