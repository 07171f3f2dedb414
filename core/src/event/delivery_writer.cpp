#include "event/delivery_writer.hpp"

#include <algorithm>
#include <set>

namespace pombo {
namespace {

constexpr std::size_t kLongestReason = 1024;

// What a block or an endpoint said must not keep a whole write from the database.
std::string kept(const std::string& text) {
  if (text.size() <= kLongestReason) return isText(text) ? text : "(not text)";
  std::size_t end = kLongestReason;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return kept(text.substr(0, end));
}

// Of what is erased the rows may still be there.
constexpr auto kStands =
    " AND NOT EXISTS (SELECT 1 FROM event_erased e WHERE e.instance_id = event.instance_id)";

}  // namespace

NoEffect DeliveryWriter::write(const Write& write) {
  NoEffect refused;
  for (const auto& queue : write.queues) name(queue);
  for (const auto& routing : write.routings)
    if (!route(routing, write.at)) refused.events.push_back(routing.event);
  for (const auto& settlement : write.settlements) settle(settlement);
  for (const auto& each : write.again)
    if (!again(each)) refused.again.push_back(each.delivery.place);
  for (const auto& burial : write.burials) bury(burial);
  writeCounts();
  for (const auto& [queue, failures] : write.failures)
    session_.run("UPDATE delivery_queue SET failures = :failures WHERE id = :id",
                 {static_cast<std::int64_t>(failures), queue});
  refused.sizes = sizesOf(write.again);
  return refused;
}

void DeliveryWriter::writeCounts() {
  for (const auto& [queue, change] : changes_)
    session_.run(
        "UPDATE delivery_queue SET pending = pending + :pending, bytes = bytes + :bytes, "
        "dead = dead + :dead, newest = CASE WHEN newest < :place THEN :given ELSE newest END "
        "WHERE id = :id",
        {change.pending, change.bytes, change.dead, change.place, change.place, queue});
}

std::vector<QueueSize> DeliveryWriter::sizesOf(const std::vector<NewDelivery>& deliveries) {
  std::set<std::int64_t> queues;
  for (const auto& each : deliveries) queues.insert(each.queue);
  std::vector<QueueSize> sizes;
  for (const auto queue : queues)
    for (const auto& row :
         session_.rows("SELECT pending, bytes FROM delivery_queue WHERE id = :id", "nn", {queue}))
      sizes.push_back({queue, row.number(0), row.number(1)});
  return sizes;
}

// Not for an instance that has been deleted meanwhile.
void DeliveryWriter::name(const QueueName& queue) {
  session_.run(
      std::string(
          "INSERT INTO delivery_queue (id, instance_id, block, destination, pending, bytes, dead, "
          "failures, buried, burial) "
          "SELECT CAST(:id AS BIGINT), CAST(:instance AS TEXT), CAST(:block AS TEXT), "
          "CAST(:destination AS TEXT), 0, 0, 0, 0, 0, '' "
          "WHERE EXISTS (SELECT 1 FROM event WHERE instance_id = :owner") +
          kStands + ") ON CONFLICT DO NOTHING",
      {queue.id, queue.key.instance.value, queue.key.block, queue.key.destination,
       queue.key.instance.value});
}

bool DeliveryWriter::route(const Routing& routing, Millis now) {
  if (routing.token == 0) return routeMore(routing, now);
  const bool made = session_.run(std::string("UPDATE event SET routed = :token WHERE seq = :seq "
                                             "AND (routed = 0 OR routed = :same)") +
                                     kStands,
                                 {routing.token, routing.event, routing.token}) > 0;
  if (!made) return false;
  if (routing.deliveries.empty()) {
    session_.run("DELETE FROM event WHERE seq = :seq", {routing.event});
    return true;
  }
  if (routing.data)
    session_.run("UPDATE event SET data = :data WHERE seq = :seq", {*routing.data, routing.event});
  for (const auto& each : routing.deliveries) insert(each, now);
  return true;
}

bool DeliveryWriter::routeMore(const Routing& routing, Millis now) {
  if (session_
          .rows(std::string("SELECT 1 FROM event WHERE seq = :seq") + kStands, "n", {routing.event})
          .empty())
    return false;
  for (const auto& each : routing.deliveries) insert(each, now);
  return true;
}

void DeliveryWriter::insert(const NewDelivery& made, Millis now) {
  const PendingDelivery& row = made.delivery;
  if (session_.run(
          "INSERT INTO delivery (id, queue, event, place, status, attempts, next_at, bytes, "
          "created_at, http_status, error, reason) VALUES (:id, :queue, :event, :place, 0, 0, 0, "
          ":bytes, :created, 0, '', '') ON CONFLICT DO NOTHING",
          {row.id, made.queue, row.event, row.place, row.bytes, now}) > 0)
    count(made.queue, row, 1);
}

void DeliveryWriter::settle(const Settlement& settlement) {
  const PendingDelivery& row = settlement.delivery;
  const bool ends = settlement.status != DeliveryStatus::pending;
  const SqlValue settledAt = ends ? SqlValue(settlement.at) : SqlValue();
  const auto status = static_cast<std::int64_t>(settlement.status);
  const bool changed =
      settlement.attempted
          ? session_.run(
                "UPDATE delivery SET status = :status, settled_at = :settled, reason = :reason, "
                "attempts = :attempts, next_at = :next, attempted_at = :at, http_status = :http, "
                "error = :error WHERE id = :id AND place = :place AND status = 0",
                {status, settledAt, kept(settlement.reason), std::int64_t{row.attempts}, row.dueAt,
                 settlement.at, std::int64_t{settlement.httpStatus}, kept(settlement.error), row.id,
                 row.place}) > 0
          : session_.run(
                "UPDATE delivery SET status = :status, settled_at = :settled, reason = :reason "
                "WHERE id = :id AND place = :place AND status = 0",
                {status, settledAt, kept(settlement.reason), row.id, row.place}) > 0;
  if (!changed || !ends) return;
  count(settlement.queue, row, -1);
  if (settlement.status == DeliveryStatus::dead) ++changes_[settlement.queue].dead;
}

bool DeliveryWriter::again(const NewDelivery& made) {
  const PendingDelivery& row = made.delivery;
  if (revive(made, DeliveryStatus::dead)) {
    --changes_[made.queue].dead;
    count(made.queue, row, 1);
    return true;
  }
  if (revive(made, DeliveryStatus::delivered)) {
    count(made.queue, row, 1);
    return true;
  }
  if (revive(made, DeliveryStatus::pending)) {
    count(made.queue, row, 0);
    return true;
  }
  // Perhaps it is this very write that was made before.
  return !session_
              .rows("SELECT 1 FROM delivery WHERE id = :id AND place = :place", "n",
                    {row.id, row.place})
              .empty();
}

// One that waits for its first attempt is as it should be already; one that stood for others has
// become those.
bool DeliveryWriter::revive(const NewDelivery& made, DeliveryStatus from) {
  return session_.run(
             "UPDATE delivery SET status = 0, attempts = 0, next_at = 0, settled_at = NULL, "
             "reason = '', place = :place WHERE id = :id AND status = :from "
             "AND (status <> 0 OR attempts > 0) AND (status <> 1 OR EXISTS (SELECT 1 FROM "
             "delivery_queue q WHERE q.id = delivery.queue AND q.destination <> ''))",
             {made.delivery.place, made.delivery.id, static_cast<std::int64_t>(from)}) > 0;
}

void DeliveryWriter::bury(const Burial& burial) {
  session_.run(
      "UPDATE delivery_queue SET buried = :place, burial = :reason "
      "WHERE id = :id AND buried < :before",
      {burial.place, kept(burial.reason), burial.queue, burial.place});
}

void DeliveryWriter::count(std::int64_t queue, const PendingDelivery& row, int change) {
  Change& all = changes_[queue];
  all.pending += change;
  all.bytes += change * row.bytes;
  all.place = std::max(all.place, row.place);
}

}  // namespace pombo
