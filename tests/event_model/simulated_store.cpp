#include "simulated_store.hpp"

#include <algorithm>

namespace pombo {

std::vector<AcceptedEvent> SimulatedStore::accept(const std::vector<Event>& made, Millis) {
  std::vector<AcceptedEvent> accepted;
  for (const auto& event : made) {
    if (event.type == "message.exchange" &&
        !seen_
             .emplace(event.instance.value, event.chat,
                      std::string(event.data.at("id").as_string()))
             .second)
      continue;
    const auto bytes = static_cast<std::int64_t>(boost::json::serialize(event.data).size());
    accepted.push_back({++lastSeq_, event.instance, event.chat, bytes});
    events[lastSeq_] = {event, bytes, 0};
  }
  return accepted;
}

bool SimulatedStore::route(const Routing& routing) {
  const auto event = events.find(routing.event);
  if (event == events.end()) return false;
  if (event->second.routed != 0 && event->second.routed != routing.token) return false;
  event->second.routed = routing.token;
  for (const auto& each : routing.deliveries)
    deliveries.try_emplace(each.delivery.id,
                           Delivery{each.queue, each.delivery, DeliveryStatus::pending, ""});
  if (routing.deliveries.empty()) events.erase(event);
  return true;
}

bool SimulatedStore::again(const NewDelivery& made) {
  const auto found = deliveries.find(made.delivery.id);
  if (found == deliveries.end()) return false;
  if (found->second.status == DeliveryStatus::pending)
    return found->second.row.place == made.delivery.place;
  found->second.status = DeliveryStatus::pending;
  found->second.row.place = made.delivery.place;
  found->second.row.attempts = 0;
  found->second.row.dueAt = 0;
  return true;
}

NoEffect SimulatedStore::write(const Write& write) {
  NoEffect refused;
  for (const auto& queue : write.queues) queues.try_emplace(queue.id, Queue{queue.key, 0});
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
  }
  for (const auto& each : write.again)
    if (!again(each)) refused.again.push_back(each.delivery.place);
  for (const auto& [queue, failures] : write.failures) queues.at(queue).failures = failures;
  return refused;
}

std::vector<PendingDelivery> SimulatedStore::load(const Load& load) {
  std::vector<PendingDelivery> found;
  for (const auto& [id, each] : deliveries) {
    const bool retry = each.row.attempts > 0;
    const bool asked =
        load.what == Load::What::oldest || retry == (load.what == Load::What::retries);
    if (each.queue == load.queue && each.status == DeliveryStatus::pending && asked)
      found.push_back(each.row);
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
    QueueStanding each{{id, queue.key}, 0, 0, queue.failures};
    for (const auto& [_, delivery] : deliveries)
      if (delivery.queue == id && delivery.status == DeliveryStatus::pending) {
        ++each.pending;
        each.bytes += delivery.row.bytes;
      }
    standing.queues.push_back(std::move(each));
    standing.lastQueue = id;
  }
  return standing;
}

}  // namespace pombo
