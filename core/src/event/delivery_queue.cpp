#include "event/delivery_queue.hpp"

#include <algorithm>

namespace pombo {
namespace {

// Answers that wait for the database, in units of what may be in flight: a crash repeats them.
constexpr int kUnsettled = 4;
constexpr std::size_t kExcessAtOnce = 256;

}  // namespace

DeliveryQueue::DeliveryQueue(const QueueStanding& standing, bool stored,
                             const PipelineLimits& limits)
    : limits_(limits),
      standing_(standing),
      firsts_(limits.window, stored),
      retries_(limits.window, stored) {}

void DeliveryQueue::enqueued(const PendingDelivery& row) {
  ++standing_.pending;
  standing_.bytes += row.bytes;
  coming_.release(row.id);
  firsts_.insert(firstKey(row), row);
}

bool DeliveryQueue::mayFirst() const {
  return !firsts_.empty() && firstsFlying_ < rules_->inFlight;
}

bool DeliveryQueue::mayRetry(Millis now) const {
  const int flying = static_cast<int>(flying_.size()) - firstsFlying_;
  return dueAt() <= now && flying < limits_.retriesInFlight;
}

bool DeliveryQueue::startable(Millis now) const {
  if (!rules_ || unsettled_ >= kUnsettled * rules_->inFlight) return false;
  if (breakerOpen() && !flying_.empty()) return false;
  return mayFirst() || mayRetry(now);
}

PendingDelivery DeliveryQueue::start(Millis now) {
  const bool retry = mayRetry(now) && (retryIsNext_ || !mayFirst());
  retryIsNext_ = !retry;
  PendingDelivery row = retry ? retries_.pop() : firsts_.pop();
  ++row.attempts;
  if (!retry) ++firstsFlying_;
  flying_.emplace(row.id, Flying{row, !retry});
  taken_.take(row.id);
  return row;
}

Settlement DeliveryQueue::answered(std::int64_t id, const AttemptResult& answer, Millis now,
                                   Random& random) {
  const auto found = flying_.find(id);
  Settlement settlement{.queue = standing_.name.id, .delivery = found->second.delivery, .at = now};
  if (found->second.first) --firstsFlying_;
  flying_.erase(found);
  settlement.httpStatus = answer.httpStatus;
  settlement.error = answer.reason;
  PendingDelivery& row = settlement.delivery;
  if (answer.outcome == Outcome::done) {
    settlement.status = DeliveryStatus::delivered;
    standing_.failures = 0;
  } else {
    standing_.failures = std::min(standing_.failures + 1, limits_.breakerAfter);
    const auto next = answer.outcome == Outcome::retry && rules_
                          ? nextAttempt(*rules_, row.attempts, now, answer.notBefore, random)
                          : std::nullopt;
    if (next) {
      row.dueAt = *next;
    } else {
      settlement.status = DeliveryStatus::dead;
      settlement.reason = answer.outcome == Outcome::drop ? answer.reason
                          : answer.exhausted.empty()      ? "attempts exhausted"
                                                          : answer.exhausted;
    }
  }
  ++unsettled_;
  if (settlement.status != DeliveryStatus::pending) {
    ++leaving_;
    leavingBytes_ += row.bytes;
  }
  return settlement;
}

void DeliveryQueue::settled(const Settlement& settlement) {
  const PendingDelivery& row = settlement.delivery;
  taken_.release(row.id);
  if (settlement.attempted) --unsettled_;
  if (settlement.status == DeliveryStatus::pending) {
    retries_.insert(retryKey(row), row);
    return;
  }
  --leaving_;
  leavingBytes_ -= row.bytes;
  --standing_.pending;
  standing_.bytes -= row.bytes;
}

bool DeliveryQueue::full() const {
  return standing_.pending - leaving_ > limits_.queueDeliveries ||
         standing_.bytes - leavingBytes_ > limits_.queueBytes;
}

std::optional<Load> DeliveryQueue::load() {
  if (!rules_ || taken_.reading()) return std::nullopt;
  Load load{standing_.name.id, Load::What::firsts, taken_.size() + coming_.size()};
  if (full()) {
    if (standing_.pending <= static_cast<std::int64_t>(taken_.size())) return std::nullopt;
    load.what = Load::What::oldest;
    load.limit += kExcessAtOnce;
  } else if (firsts_.wantsLoad()) {
    firsts_.beginLoad();
    load.limit += limits_.window + firsts_.size();
  } else if (retries_.wantsLoad()) {
    retries_.beginLoad();
    load.what = Load::What::retries;
    load.limit += limits_.window + retries_.size();
  } else {
    return std::nullopt;
  }
  taken_.beginRead();
  coming_.beginRead();
  return load;
}

void DeliveryQueue::loadFailed() {
  taken_.endRead();
  coming_.endRead();
}

std::vector<Settlement> DeliveryQueue::loaded(const Load& load,
                                              const std::vector<PendingDelivery>& rows,
                                              Millis now) {
  std::vector<Settlement> excess;
  if (load.what == Load::What::oldest) {
    excess = removeExcess(rows, now);
  } else {
    const bool firsts = load.what == Load::What::firsts;
    const auto keyOf = firsts ? firstKey : retryKey;
    Rows::Rows found;
    for (const auto& row : rows)
      if (!hides(row.id)) found.emplace_back(keyOf(row), row);
    const auto reach = rows.size() < load.limit ? std::nullopt : std::optional(keyOf(rows.back()));
    (firsts ? firsts_ : retries_).load(std::move(found), reach);
  }
  taken_.endRead();
  coming_.endRead();
  return excess;
}

std::vector<Settlement> DeliveryQueue::removeExcess(const std::vector<PendingDelivery>& rows,
                                                    Millis now) {
  std::vector<Settlement> excess;
  for (const auto& row : rows) {
    // One that has changed since it was read may be the oldest: they are read again.
    if (!full() || taken_.changed(row.id) || coming_.changed(row.id)) break;
    if (hides(row.id)) continue;
    firsts_.erase(firstKey(row));
    retries_.erase(retryKey(row));
    taken_.take(row.id);
    ++leaving_;
    leavingBytes_ += row.bytes;
    Settlement& settlement = excess.emplace_back();
    settlement.queue = standing_.name.id;
    settlement.delivery = row;
    settlement.status = DeliveryStatus::dead;
    settlement.attempted = false;
    settlement.at = now;
    settlement.reason = "queue full";
  }
  return excess;
}

}  // namespace pombo
