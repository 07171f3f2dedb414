#include "event/delivery_queue.hpp"

#include <algorithm>

namespace pombo {
namespace {

// Answers that wait for the database, in units of what may be in flight: a crash repeats them.
constexpr int kUnsettled = 4;
constexpr std::size_t kExcessAtOnce = 256;
constexpr Millis kAskedAgain = 60'000;  // of a block without a schedule

}  // namespace

DeliveryQueue::DeliveryQueue(const QueueStanding& standing, bool stored,
                             const PipelineLimits& limits)
    : limits_(limits),
      standing_(standing),
      firsts_(limits.window, stored),
      retries_(limits.window, stored),
      toBury_(stored && standing.buried > 0) {}

void DeliveryQueue::enqueued(const PendingDelivery& row) {
  ++standing_.pending;
  standing_.bytes += row.bytes;
  recalled(row);
}

bool DeliveryQueue::recall(std::int64_t id) {
  const auto same = [id](const PendingDelivery& row) { return row.id == id; };
  if (taken_.holds(id) || coming_.holds(id)) return false;
  if (std::any_of(firsts_.rows().begin(), firsts_.rows().end(),
                  [&](const auto& each) { return same(each.second); }))
    return false;
  retries_.eraseIf(same);
  coming_.take(id);
  return true;
}

void DeliveryQueue::recalled(const PendingDelivery& row) {
  coming_.release(row.id);
  arrived(row);
}

// A read may have passed by its row meanwhile. What is in memory goes, too: as long as it filled
// the windows they would not be read again.
void DeliveryQueue::notRecalled(std::int64_t id) {
  coming_.release(id);
  firsts_.clear();
  retries_.clear();
  toBury_ = standing_.buried > 0;
}

void DeliveryQueue::resize(const QueueSize& size) {
  standing_.pending = size.pending;
  standing_.bytes = size.bytes;
}

void DeliveryQueue::bury(std::int64_t place, const std::string& reason) {
  standing_.buried = place;
  standing_.burial = reason;
  toBury_ = true;
  firsts_.clear();
  retries_.clear();
}

// One that waits for an attempt, as the store has it.
void DeliveryQueue::arrived(const PendingDelivery& row) {
  if (buried(row)) {
    toBury_ = true;
  } else if (row.attempts == 0) {
    firsts_.insert(firstKey(row), row);
  } else {
    retries_.insert(retryKey(row), row);
  }
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
    if (const auto next = nextOf(row, answer, now, random)) {
      row.dueAt = *next;
    } else {
      settlement.status = DeliveryStatus::dead;
      settlement.reason = buried(row)                       ? standing_.burial
                          : answer.outcome == Outcome::drop ? answer.reason
                          : answer.exhausted.empty()        ? "attempts exhausted"
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

// Of what nobody has said who wants it, the last wait repeats: given up, it would be lost to
// whoever does want it.
std::optional<Millis> DeliveryQueue::nextOf(const PendingDelivery& row, const AttemptResult& answer,
                                            Millis now, Random& random) const {
  if (answer.outcome != Outcome::retry || !rules_ || buried(row)) return std::nullopt;
  const auto next = nextAttempt(*rules_, row.attempts, now, answer.notBefore, random);
  if (next || key().destination != kUnrouted) return next;
  const int last = static_cast<int>(rules_->waits.size());
  if (last == 0) return now + kAskedAgain;
  return nextAttempt(*rules_, last, now, answer.notBefore, random);
}

void DeliveryQueue::settled(const Settlement& settlement) {
  const PendingDelivery& row = settlement.delivery;
  taken_.release(row.id);
  if (settlement.attempted) --unsettled_;
  if (settlement.status == DeliveryStatus::pending) {
    arrived(row);
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
  if (toBury_ || full()) {
    if (!toBury_ && standing_.pending <= static_cast<std::int64_t>(taken_.size()))
      return std::nullopt;
    load.what = Load::What::oldest;
    toBury_ = false;
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
  toBury_ = standing_.buried > 0;
}

std::vector<Settlement> DeliveryQueue::loaded(const Load& load,
                                              const std::vector<PendingDelivery>& rows,
                                              Millis now) {
  std::vector<Settlement> excess;
  if (load.what == Load::What::oldest) {
    excess = remove(load, rows, now);
  } else {
    const bool firsts = load.what == Load::What::firsts;
    const auto keyOf = firsts ? firstKey : retryKey;
    Rows::Rows found;
    for (const auto& row : rows)
      if (!hides(row.id) && !buried(row)) found.emplace_back(keyOf(row), row);
    const auto reach = rows.size() < load.limit ? std::nullopt : std::optional(keyOf(rows.back()));
    (firsts ? firsts_ : retries_).load(std::move(found), reach);
  }
  taken_.endRead();
  coming_.endRead();
  return excess;
}

// They are the oldest.
std::vector<Settlement> DeliveryQueue::remove(const Load& load,
                                              const std::vector<PendingDelivery>& rows,
                                              Millis now) {
  std::vector<Settlement> removed;
  for (const auto& row : rows) {
    // One that has changed since it was read may be older: they are read again.
    if (taken_.changed(row.id) || coming_.changed(row.id)) {
      toBury_ = standing_.buried > 0;
      return removed;
    }
    if (!buried(row) && !full()) return removed;
    if (!hides(row.id)) removed.push_back(removal(row, now));
  }
  if (rows.size() == load.limit && buried(rows.back())) toBury_ = true;
  return removed;
}

Settlement DeliveryQueue::removal(const PendingDelivery& row, Millis now) {
  firsts_.erase(firstKey(row));
  retries_.erase(retryKey(row));
  taken_.take(row.id);
  ++leaving_;
  leavingBytes_ += row.bytes;
  return {.queue = standing_.name.id,
          .delivery = row,
          .status = DeliveryStatus::dead,
          .attempted = false,
          .at = now,
          .reason = buried(row) ? standing_.burial : "queue full"};
}

}  // namespace pombo
