#include "event/lanes.hpp"

#include <algorithm>

namespace pombo {

Lanes::Lane& Lanes::add(const QueueStanding& standing, bool stored) {
  const auto& block = standing.name.key.block;
  Share& share = shares_.try_emplace(block, limits_.inFlight).first->second;
  auto made = std::make_unique<Lane>(share, standing, stored, limits_);
  const auto rules = rules_.find(block);
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

Pace Lanes::paceOf(const Lane& lane) {
  const bool isLate = lane.wasLate || lane.late > 0;
  if (lane.queue.failing()) return isLate ? Pace::hanging : Pace::failing;
  if (!lane.isTried) return isLate ? Pace::hanging : Pace::fresh;
  return isLate ? Pace::slow : Pace::quick;
}

void Lanes::touch(DeliveryQueue& queue, Millis now) {
  const auto id = queue.standing().name.id;
  Lane& mine = lane(id);
  const Pace pace = paceOf(mine);
  // It may wait among those of another pace as well, where it will be passed over.
  if (bool& isWaiting = waits(mine, pace); !isWaiting && queue.startable(now)) {
    isWaiting = true;
    mine.share.turnsOf(pace).push_back(id);
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
  findLate(now);
  for (auto& [block, share] : shares_) {
    vacate(share);
    // Those that have changed their pace while they waited are in the right line by the second.
    for (int round = 0; round < 2; ++round)
      for (const Pace pace : kPaces) startOf(share, pace, now, into);
  }
}

void Lanes::findLate(Millis now) {
  for (; !aging_.empty(); aging_.pop_front()) {
    const auto [since, delivery] = aging_.front();
    const auto found = flights_.find(delivery);
    if (found == flights_.end() || found->second.since != since || found->second.isLate) continue;
    if (since + limits_.late > now) return;
    Flight& flight = found->second;
    flight.isLate = true;
    if (Places::leavesWhenLate(flight.place)) flight.share->toLeave.push_back(delivery);
    if (const auto own = lanes_.find(flight.queue); own != lanes_.end()) {
      ++own->second->late;
      touch(own->second->queue, now);
    }
  }
}

void Lanes::vacate(Share& share) {
  for (; !share.toLeave.empty(); share.toLeave.pop_front()) {
    const auto found = flights_.find(share.toLeave.front());
    if (found == flights_.end() || !found->second.isLate) continue;
    Places::At& place = found->second.place;
    if (Places::leavesWhenLate(place) && !share.places.moveToSpare(place)) return;
  }
}

void Lanes::startOf(Share& share, Pace pace, Millis now, std::vector<Attempt>& into) {
  Turns& turns = share.turnsOf(pace);
  for (auto left = turns.size(); left > 0 && share.places.free(pace); --left) {
    const auto id = turns.front();
    turns.pop_front();
    const auto found = lanes_.find(id);
    if (found == lanes_.end()) continue;
    Lane& mine = *found->second;
    waits(mine, pace) = false;
    // What was said to it since it was put in line may have changed either.
    if (paceOf(mine) == pace && mine.queue.startable(now)) {
      into.push_back({mine.queue.key(), mine.queue.start(now), pace});
      const auto delivery = into.back().delivery.id;
      flights_[delivery] = {id, &share, share.places.take(pace), now};
      aging_.emplace_back(now, delivery);
    }
    touch(mine.queue, now);
    if (waits(mine, pace)) ++left;
  }
}

std::optional<Settlement> Lanes::answered(std::int64_t delivery, const AttemptResult& answer,
                                          Millis now) {
  const auto flight = flights_.extract(delivery);
  if (flight.empty()) return std::nullopt;
  const auto& [id, share, place, since, isLate] = flight.mapped();
  share->places.giveBack(place);
  const auto found = lanes_.find(id);
  if (found == lanes_.end()) return std::nullopt;
  Lane& mine = *found->second;
  if (isLate) --mine.late;
  mine.wasLate = now - since >= limits_.late;
  mine.isTried = true;
  auto settlement = mine.queue.answered(delivery, answer, now, random_);
  touch(mine.queue, now);
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
