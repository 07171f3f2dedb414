#include "event/lanes.hpp"

#include <algorithm>

namespace pombo {

Lanes::Lane& Lanes::add(const QueueStanding& standing, bool stored) {
  auto made = std::make_unique<Lane>(shares_[standing.name.key.block], standing, stored, limits_);
  const auto rules = rules_.find(standing.name.key.block);
  if (rules != rules_.end()) made->queue.serve(&rules->second);
  byKey_[standing.name.key] = standing.name.id;
  return *(lanes_[standing.name.id] = std::move(made));
}

DeliveryQueue& Lanes::add(const QueueName& name) { return add({name}, false).queue; }

void Lanes::restore(const std::vector<QueueStanding>& queues) {
  for (const auto& standing : queues) touch(add(standing, standing.pending > 0).queue, 0);
}

DeliveryQueue* Lanes::find(std::int64_t queue) {
  const auto found = lanes_.find(queue);
  return found == lanes_.end() ? nullptr : &found->second->queue;
}

DeliveryQueue* Lanes::find(const QueueKey& key) {
  const auto found = byKey_.find(key);
  return found == byKey_.end() ? nullptr : find(found->second);
}

void Lanes::forget(const InstanceId& instance) {
  auto each = byKey_.lower_bound({instance, "", ""});
  while (each != byKey_.end() && each->first.instance == instance) {
    setTimer(lane(each->second), kNever);
    lanes_.erase(each->second);
    each = byKey_.erase(each);
  }
}

void Lanes::setTimer(Lane& lane, Millis at) {
  if (lane.timer == at) return;
  const auto id = lane.queue.standing().name.id;
  if (lane.timer != kNever) timers_.erase({lane.timer, id});
  lane.timer = at;
  if (at != kNever) timers_.insert({at, id});
}

void Lanes::touch(DeliveryQueue& queue, Millis now) {
  const auto id = queue.standing().name.id;
  Lane& mine = lane(id);
  // One that has recovered does not wait among the failing any longer.
  if (bool& waits = mine.waitsForTurn[queue.failing()]; !waits && queue.startable(now)) {
    waits = true;
    mine.share.turns[queue.failing()].push_back(id);
  }
  if (!mine.waitsForRead && now >= mine.readAfter) {
    mine.waitsForRead = true;
    toRead_.push_back(id);
  }
  // What is due already waits for something else than time, which will touch it.
  const Millis due = queue.dueAt() > now ? queue.dueAt() : kNever;
  const Millis again = mine.readAfter > now ? mine.readAfter : kNever;
  setTimer(mine, std::min(due, again));
}

void Lanes::start(Millis now, std::vector<Attempt>& into) {
  while (!timers_.empty() && timers_.begin()->first <= now)
    touch(lane(timers_.begin()->second).queue, now);
  const int quarter = std::max(1, limits_.inFlight / 4);
  for (auto& [block, share] : shares_) {
    // A queue may have changed sides while it waited: then it is in line there by the next call.
    startOf(share, true, quarter, now, into);
    startOf(share, false, limits_.inFlight - quarter, now, into);
    startOf(share, true, quarter, now, into);
  }
}

void Lanes::startOf(Share& share, bool failing, int most, Millis now, std::vector<Attempt>& into) {
  Turns& turns = share.turns[failing];
  for (auto left = turns.size(); left > 0 && share.inFlight[failing] < most; --left) {
    const auto id = turns.front();
    turns.pop_front();
    const auto found = lanes_.find(id);
    if (found == lanes_.end()) continue;
    Lane& mine = *found->second;
    mine.waitsForTurn[failing] = false;
    // It may have failed, or succeeded, since it was put in line.
    if (mine.queue.failing() == failing && mine.queue.startable(now)) {
      into.push_back({mine.queue.key(), mine.queue.start(now)});
      flights_[into.back().delivery.id] = {id, &share, failing};
      ++share.inFlight[failing];
    }
    touch(mine.queue, now);
    if (mine.waitsForTurn[failing]) ++left;
  }
}

std::optional<Settlement> Lanes::answered(std::int64_t delivery, const AttemptResult& answer,
                                          Millis now) {
  const auto flight = flights_.extract(delivery);
  if (flight.empty()) return std::nullopt;
  --flight.mapped().share->inFlight[flight.mapped().failing];
  auto* const queue = find(flight.mapped().queue);
  if (!queue) return std::nullopt;
  auto settlement = queue->answered(delivery, answer, now, random_);
  touch(*queue, now);
  return settlement;
}

void Lanes::read(std::vector<Load>& into) {
  while (reading_ < limits_.loads && !toRead_.empty()) {
    const auto found = lanes_.find(toRead_.front());
    toRead_.pop_front();
    if (found == lanes_.end()) continue;
    found->second->waitsForRead = false;
    auto load = found->second->queue.load();
    if (!load) continue;
    into.push_back(*load);
    ++reading_;
  }
}

std::vector<Settlement> Lanes::loaded(const Load& load, const std::vector<PendingDelivery>& rows,
                                      Millis now) {
  --reading_;
  auto* const queue = find(load.queue);
  if (!queue) return {};
  auto excess = queue->loaded(load, rows, now);
  touch(*queue, now);
  return excess;
}

void Lanes::loadFailed(const Load& load, Millis retryAt) {
  --reading_;
  auto* const queue = find(load.queue);
  if (!queue) return;
  queue->loadFailed();
  Lane& mine = lane(load.queue);
  mine.readAfter = retryAt;
  setTimer(mine, std::min(mine.timer, retryAt));
}

}  // namespace pombo
