// The queue of one destination: order of first attempts, retries beside it, the breaker, its limit.
#pragma once

#include <unordered_map>

#include "event/schedule.hpp"
#include "event/taken.hpp"
#include "event/window.hpp"

namespace pombo {

// Of its rows it keeps a window in memory; the counts are of all. No time, no thread and no
// database of its own: it is told, and asked. What is settled counts as pending until it is known
// to be in the store.
class DeliveryQueue {
 public:
  DeliveryQueue(const QueueStanding&, bool stored, const PipelineLimits&);

  // Null: nobody delivers for this block now.
  void serve(const QueueRules* rules) { rules_ = rules; }

  // It is about to be written: a read may meet its row before anybody else has heard of it.
  void announced(std::int64_t delivery) { coming_.take(delivery); }
  // Its row is in the store since just now.
  void enqueued(const PendingDelivery&);
  void notEnqueued(std::int64_t delivery) { coming_.release(delivery); }

  // One that is known to the store is to be written anew; false: it is being worked on, or has not
  // been attempted yet, and stays as it is. Then either of these two.
  bool recall(std::int64_t delivery);
  void recalled(const PendingDelivery&);
  void notRecalled(std::int64_t delivery);
  void resize(const QueueSize&);

  // Everything up to this place is to go; load() and loaded() see to it.
  void bury(std::int64_t place, const std::string& reason);

  bool startable(Millis now) const;
  // The next attempt, counted; startable() has said yes.
  PendingDelivery start(Millis now);
  // Of what was started. To be written.
  Settlement answered(std::int64_t delivery, const AttemptResult&, Millis now, Random&);
  // It is in the store.
  void settled(const Settlement&);

  // At most one at a time.
  std::optional<Load> load();
  void loadFailed();
  // What is beyond the limit of the queue, or buried: to be written.
  std::vector<Settlement> loaded(const Load&, const std::vector<PendingDelivery>&, Millis now);

  // When a retry is due; kNever: none is waiting in memory.
  Millis dueAt() const { return retries_.empty() ? kNever : retries_.frontKey().first; }
  const QueueKey& key() const { return standing_.name.key; }
  const QueueStanding& standing() const { return standing_; }
  bool failing() const { return standing_.failures > 0; }
  bool breakerOpen() const { return standing_.failures >= limits_.breakerAfter; }

 private:
  struct Flying {
    PendingDelivery delivery;
    bool first = true;
  };
  using Rows = Window<PendingDelivery>;

  static Rows::Key retryKey(const PendingDelivery& row) { return {row.dueAt, row.id}; }
  static Rows::Key firstKey(const PendingDelivery& row) { return {row.place, row.id}; }
  bool mayFirst() const;
  bool mayRetry(Millis now) const;
  bool full() const;
  bool hides(std::int64_t id) const { return taken_.hides(id) || coming_.hides(id); }
  bool buried(const PendingDelivery& row) const { return row.place <= standing_.buried; }
  void arrived(const PendingDelivery&);
  std::optional<Millis> nextOf(const PendingDelivery&, const AttemptResult&, Millis now,
                               Random&) const;
  std::vector<Settlement> remove(const Load&, const std::vector<PendingDelivery>&, Millis now);
  Settlement removal(const PendingDelivery&, Millis now);

  const PipelineLimits& limits_;
  const QueueRules* rules_ = nullptr;
  QueueStanding standing_;
  Rows firsts_, retries_;
  std::unordered_map<std::int64_t, Flying> flying_;
  int firstsFlying_ = 0;
  int unsettled_ = 0;                            // answered, and not yet in the store
  Taken taken_;                                  // flying or unsettled
  Taken coming_;                                 // announced
  std::int64_t leaving_ = 0, leavingBytes_ = 0;  // of the unsettled, what will not be pending
  bool retryIsNext_ = true;                      // with both at hand, they take turns
  bool toBury_;                                  // perhaps there are buried ones in the store
};

}  // namespace pombo
