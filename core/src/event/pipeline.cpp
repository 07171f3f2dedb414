#include "event/pipeline.hpp"

#include <algorithm>

namespace pombo {
namespace {

template <class Item>
void moveSome(std::deque<Item>& from, std::size_t most, std::vector<Item>& into) {
  const auto end = from.begin() + static_cast<std::ptrdiff_t>(std::min(most, from.size()));
  into.assign(std::make_move_iterator(from.begin()), std::make_move_iterator(end));
  from.erase(from.begin(), end);
}

bool holds(const std::vector<std::int64_t>& ids, std::int64_t id) {
  return std::find(ids.begin(), ids.end(), id) != ids.end();
}

}  // namespace

void Pipeline::restore(const StoredQueues& standing) {
  lastQueue_ = standing.lastQueue;
  lastDelivery_ = standing.lastDelivery;
  lastPlace_ = standing.lastPlace;
  lanes_.restore(standing.queues);
}

void Pipeline::accepted(const std::vector<AcceptedEvent>& events) {
  for (const auto& event : events) intake_.accepted(event);
}

void Pipeline::prepared(const AcceptedEvent& event, const std::vector<Destination>& destinations,
                        std::optional<std::string> data, Millis now) {
  const auto buried = intake_.prepared(event.seq);
  if (!buried) return;
  const auto bytes = data ? static_cast<std::int64_t>(data->size()) : event.bytes;
  Routing routing{event.seq, ++lastDelivery_, std::move(data), {}};
  for (const auto& to : destinations) {
    const QueueKey key{event.instance, to.block, to.name};
    if (!buried->contains(key)) enqueue(key, {.event = event.seq, .bytes = bytes}, routing, now);
  }
  routings_.push_back(std::move(routing));
}

void Pipeline::routedLater(const InstanceId& instance, const PendingDelivery& of,
                           const std::vector<Destination>& destinations, Millis now) {
  Routing routing{.event = of.event};
  for (const auto& to : destinations)
    enqueue({instance, to.block, to.name}, {.event = of.event, .bytes = of.bytes}, routing, now);
  routings_.push_back(std::move(routing));
}

void Pipeline::enqueue(const QueueKey& key, PendingDelivery row, Routing& into, Millis now) {
  auto* queue = lanes_.find(key);
  if (!queue) {
    newQueues_.push_back({++lastQueue_, key});
    queue = &lanes_.add(newQueues_.back());
  }
  row.id = ++lastDelivery_;
  queue->announced(row.id);
  lanes_.touch(*queue, now);
  into.deliveries.push_back({queue->standing().name.id, row});
}

void Pipeline::eventsLoaded(const std::vector<AcceptedEvent>& events, std::size_t asked) {
  intake_.loaded(events, asked);
}

void Pipeline::readEventsFailed(Millis now) {
  intake_.readFailed();
  readAfter_ = now + kPause;
}

void Pipeline::loaded(const Load& load, const std::vector<PendingDelivery>& rows, Millis now) {
  for (auto& each : lanes_.loaded(load, rows, now)) settlements_.push_back(std::move(each));
}

void Pipeline::answered(std::int64_t delivery, const AttemptResult& answer, Millis now) {
  auto settlement = lanes_.answered(delivery, answer, now);
  if (settlement) settlements_.push_back(std::move(*settlement));
}

void Pipeline::redeliver(const std::vector<NewDelivery>& deliveries) {
  for (const auto& each : deliveries) {
    auto* const queue = lanes_.find(each.queue);
    if (!queue || !queue->recall(each.delivery.id)) continue;
    again_.push_back(each);
    again_.back().delivery.attempts = 0;
    again_.back().delivery.dueAt = 0;
  }
}

// What is not in the store yet does not enter the queue any more.
void Pipeline::bury(const QueueKey& key, const std::string& reason) {
  intake_.bury(key);
  auto* const queue = lanes_.find(key);
  if (!queue) return;
  const auto id = queue->standing().name.id;
  for (auto& routing : routings_)
    std::erase_if(routing.deliveries, [&](const auto& each) {
      if (each.queue == id) queue->notEnqueued(each.delivery.id);
      return each.queue == id;
    });
  std::erase_if(again_, [&](const auto& each) {
    if (each.queue == id) queue->notRecalled(each.delivery.id);
    return each.queue == id;
  });
  queue->bury(lastPlace_, reason);
  burials_.push_back({id, lastPlace_, reason});
}

void Pipeline::forget(const InstanceId& instance) {
  intake_.forget(instance);
  lanes_.forget(instance);
}

// Everything that waits, in order, as far as it is not too much at once.
void Pipeline::gather(Millis now) {
  write_ = {.at = now};
  write_.queues.swap(newQueues_);
  moveSome(routings_, limits_.perWrite, write_.routings);
  moveSome(settlements_, limits_.perWrite, write_.settlements);
  moveSome(again_, limits_.perWrite, write_.again);
  write_.burials.swap(burials_);
  // Places are in the order in which rows come into the store.
  for (auto& routing : write_.routings)
    for (auto& each : routing.deliveries) each.delivery.place = ++lastPlace_;
  for (auto& each : write_.again) each.delivery.place = ++lastPlace_;
  std::set<std::int64_t> said;
  for (const auto& settlement : write_.settlements) {
    const auto* const queue = lanes_.find(settlement.queue);
    if (queue && said.insert(settlement.queue).second)
      write_.failures.emplace_back(settlement.queue, queue->standing().failures);
  }
}

void Pipeline::committed(const NoEffect& refused, Millis now) {
  for (const auto& routing : write_.routings) {
    intake_.routed(routing.event);
    const bool made = !holds(refused.events, routing.event);
    for (const auto& each : routing.deliveries) {
      auto* const queue = lanes_.find(each.queue);
      if (!queue) continue;
      made ? queue->enqueued(each.delivery) : queue->notEnqueued(each.delivery.id);
      lanes_.touch(*queue, now);
    }
  }
  for (const auto& settlement : write_.settlements)
    if (auto* const queue = lanes_.find(settlement.queue)) {
      queue->settled(settlement);
      lanes_.touch(*queue, now);
    }
  committedAgain(refused, now);
  for (const auto& burial : write_.burials)
    if (auto* const queue = lanes_.find(burial.queue)) lanes_.touch(*queue, now);
  write_ = {};
  writing_ = false;
}

void Pipeline::committedAgain(const NoEffect& refused, Millis now) {
  for (const auto& size : refused.sizes)
    if (auto* const queue = lanes_.find(size.queue)) queue->resize(size);
  for (const auto& each : write_.again)
    if (auto* const queue = lanes_.find(each.queue)) {
      holds(refused.again, each.delivery.place) ? queue->notRecalled(each.delivery.id)
                                                : queue->recalled(each.delivery);
      lanes_.touch(*queue, now);
    }
}

Work Pipeline::work(Millis now) {
  Work work;
  intake_.prepare(work.prepare);
  if (now >= readAfter_) work.readEvents = intake_.read();
  lanes_.start(now, work.attempts);
  lanes_.read(work.loads);
  if (!writing_ && now >= writeAfter_) {
    if (write_.empty()) gather(now);
    if (!write_.empty()) {
      writing_ = true;
      work.write = &write_;
    }
  }
  work.wakeAt = lanes_.wakeAt();
  for (const Millis pause : {writeAfter_, readAfter_})
    if (pause > now) work.wakeAt = std::min(work.wakeAt, pause);
  return work;
}

}  // namespace pombo
