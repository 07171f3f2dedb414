#include "simulated_store.hpp"

#include <algorithm>

namespace pombo {

Acceptance SimulatedStore::accept(const std::vector<Event>& made, Millis) {
  Acceptance acceptance;
  for (const auto& event : made) {
    acceptance.ids.push_back(event.id);
    if (event.type == "message.exchange") {
      const auto [first, isNew] = seen_.try_emplace(
          {event.instance.value, event.chat, std::string(event.data.at("id").as_string())},
          event.id);
      acceptance.ids.back() = first->second;
      if (!isNew) continue;
    }
    const auto bytes = static_cast<std::int64_t>(boost::json::serialize(event.data).size());
    acceptance.accepted.push_back({++lastSeq_, event.instance, event.chat, bytes});
    events[lastSeq_] = {event, bytes, 0};
  }
  return acceptance;
}

void SimulatedStore::put(std::int64_t id, Delivery delivery) {
  if (deliveries.try_emplace(id, delivery).second) pending_[delivery.queue].insert(id);
}

bool SimulatedStore::route(const Routing& routing) {
  const auto event = events.find(routing.event);
  if (event == events.end()) return false;
  if (event->second.routed != 0 && event->second.routed != routing.token) return false;
  event->second.routed = routing.token;
  for (const auto& each : routing.deliveries)
    put(each.delivery.id, {each.queue, each.delivery, DeliveryStatus::pending, ""});
  if (routing.deliveries.empty()) events.erase(event);
  return true;
}

bool SimulatedStore::again(const NewDelivery& made) {
  const auto found = deliveries.find(made.delivery.id);
  if (found == deliveries.end()) return false;
  if (found->second.status == DeliveryStatus::pending && found->second.row.attempts == 0)
    return found->second.row.place == made.delivery.place;
  found->second.status = DeliveryStatus::pending;
  pending_[found->second.queue].insert(found->first);
  found->second.row.place = made.delivery.place;
  found->second.row.attempts = 0;
  found->second.row.dueAt = 0;
  return true;
}

QueueSize SimulatedStore::sizeOf(std::int64_t queue) const {
  QueueSize size{queue, 0, 0};
  const auto rows = pending_.find(queue);
  if (rows == pending_.end()) return size;
  size.pending = static_cast<std::int64_t>(rows->second.size());
  for (const auto id : rows->second) size.bytes += deliveries.at(id).row.bytes;
  return size;
}

NoEffect SimulatedStore::write(const Write& write) {
  NoEffect refused;
  for (const auto& queue : write.queues) queues.try_emplace(queue.id, Queue{queue.key});
  for (const auto& routing : write.routings)
    if (!route(routing)) refused.events.push_back(routing.event);
  for (const auto& settlement : write.settlements) {
    const auto found = deliveries.find(settlement.delivery.id);
    if (found == deliveries.end() || found->second.status != DeliveryStatus::pending ||
        found->second.row.place != settlement.delivery.place)
      continue;
    found->second.row = settlement.delivery;
    found->second.status = settlement.status;
    found->second.reason = settlement.reason;
    if (settlement.status != DeliveryStatus::pending)
      pending_[found->second.queue].erase(found->first);
  }
  for (const auto& each : write.again)
    if (!again(each)) refused.again.push_back(each.delivery.place);
  for (const auto& burial : write.burials) {
    Queue& queue = queues.at(burial.queue);
    if (queue.buried < burial.place) queue.buried = burial.place, queue.burial = burial.reason;
  }
  for (const auto& [queue, failures] : write.failures) queues.at(queue).failures = failures;
  std::set<std::int64_t> changed;
  for (const auto& each : write.again) changed.insert(each.queue);
  for (const auto queue : changed) refused.sizes.push_back(sizeOf(queue));
  return refused;
}

std::vector<PendingDelivery> SimulatedStore::load(const Load& load) {
  std::vector<PendingDelivery> found;
  for (const auto id : pending_[load.queue]) {
    const PendingDelivery& row = deliveries.at(id).row;
    const bool retries = load.what == Load::What::retries;
    if (load.what == Load::What::oldest || retries == (row.attempts > 0)) found.push_back(row);
  }
  const auto keyOf = [&](const PendingDelivery& row) {
    return std::pair(load.what == Load::What::retries ? row.dueAt : row.place, row.id);
  };
  std::sort(found.begin(), found.end(),
            [&](const auto& a, const auto& b) { return keyOf(a) < keyOf(b); });
  if (found.size() > load.limit) found.resize(load.limit);
  return found;
}

std::vector<AcceptedEvent> SimulatedStore::unrouted(std::size_t limit) {
  std::vector<AcceptedEvent> found;
  for (const auto& [seq, row] : events)
    if (row.routed == 0 && found.size() < limit)
      found.push_back({seq, row.event.instance, row.event.chat, row.bytes});
  return found;
}

StoredQueues SimulatedStore::restore(Millis now) {
  StoredQueues standing;
  standing.lastDelivery = standing.lastPlace = lastSeq_ = now * 1000;
  if (!events.empty()) lastSeq_ = std::max(lastSeq_, events.rbegin()->first);
  for (const auto& [id, delivery] : deliveries) {
    standing.lastDelivery = std::max(standing.lastDelivery, id);
    standing.lastPlace = std::max(standing.lastPlace, delivery.row.place);
  }
  for (const auto& [id, queue] : queues) {
    const auto size = sizeOf(id);
    standing.queues.push_back(
        {{id, queue.key}, size.pending, size.bytes, queue.failures, queue.buried, queue.burial});
    standing.lastQueue = id;
  }
  return standing;
}

}  // namespace pombo
