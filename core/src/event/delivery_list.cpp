#include "event/delivery_list.hpp"

#include <algorithm>

namespace pombo {
namespace {

struct Queue {
  std::int64_t id;
  std::string destination;
};

std::vector<Queue> queuesOf(Session& session, const DeliveryFilter& filter) {
  std::vector<Queue> queues;
  for (const auto& row : session.rows("SELECT id, destination FROM delivery_queue "
                                      "WHERE instance_id = :instance AND block = :block",
                                      "nt", {filter.instance.value, filter.block}))
    if (!filter.destination || *filter.destination == row.text(1))
      queues.push_back({row.number(0), row.text(1)});
  return queues;
}

std::optional<Millis> timeIn(const Row& row, std::size_t at) {
  return row.null(at) ? std::nullopt : std::optional(row.number(at));
}

ListedDelivery listed(const Row& row, const std::string& destination) {
  const auto status = static_cast<DeliveryStatus>(row.number(3));
  const int attempts = static_cast<int>(row.number(4));
  const bool waits = status == DeliveryStatus::pending && attempts > 0;
  return {.id = row.number(0),
          .eventId = row.text(1),
          .type = row.text(2),
          .destination = destination,
          .status = status,
          .attempts = attempts,
          .httpStatus = static_cast<int>(row.number(5)),
          .error = row.text(6),
          .reason = row.text(7),
          .createdAt = row.number(8),
          .attemptedAt = timeIn(row, 9),
          .nextAt = waits ? std::optional(row.number(10)) : std::nullopt};
}

constexpr auto kNewest =
    "SELECT d.id, e.id, e.type, d.status, d.attempts, d.http_status, d.error, d.reason, "
    "d.created_at, d.attempted_at, d.next_at FROM delivery d JOIN event e ON e.seq = d.event "
    "WHERE d.queue = :queue AND d.id < :before AND d.created_at >= :since";
// It was found out later who wanted the event: that is told by deliveries of their own.
constexpr auto kNotSpread = " AND d.status <> 1";

void append(Session& session, const Queue& queue, const DeliveryFilter& filter,
            const std::optional<std::int64_t>& id, std::vector<ListedDelivery>& into) {
  std::string sql = kNewest;
  Values values{queue.id, filter.before, filter.since};
  if (queue.destination.empty()) sql += kNotSpread;
  if (filter.status) {
    // Written out, as those indexes are that know only rows of one status.
    sql += " AND d.status = " + std::to_string(static_cast<int>(*filter.status));
  }
  if (id) {
    sql += " AND d.id = :id";
    values.emplace_back(*id);
  }
  values.emplace_back(filter.limit);
  for (const auto& row :
       session.rows(sql + " ORDER BY d.id DESC LIMIT :most", "nttnnnttnnn", values))
    into.push_back(listed(row, queue.destination));
}

NewDelivery againOf(const Row& row) {
  return {row.number(0), {.id = row.number(1), .event = row.number(2), .bytes = row.number(3)}};
}

}  // namespace

std::vector<ListedDelivery> DeliveryList::newest(const DeliveryFilter& filter) {
  return database_.read([&](Session& session) {
    std::vector<ListedDelivery> found;
    for (const auto& queue : queuesOf(session, filter)) {
      for (const auto id : filter.ids) append(session, queue, filter, id, found);
      if (filter.ids.empty()) append(session, queue, filter, std::nullopt, found);
    }
    std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.id > b.id; });
    if (found.size() > static_cast<std::size_t>(filter.limit))
      found.resize(static_cast<std::size_t>(filter.limit));
    return found;
  });
}

std::vector<KnownDelivery> DeliveryList::find(const InstanceId& instance, const std::string& block,
                                              const std::vector<std::int64_t>& ids) {
  return database_.read([&](Session& session) {
    std::vector<KnownDelivery> found;
    for (const auto id : ids)
      for (const auto& row :
           session.rows("SELECT d.queue, d.id, d.event, d.bytes, q.destination FROM delivery d "
                        "JOIN delivery_queue q ON q.id = d.queue WHERE d.id = :id "
                        "AND q.instance_id = :instance AND q.block = :block",
                        "nnnnt", {id, instance.value, block}))
        found.push_back({againOf(row), row.text(4)});
    return found;
  });
}

std::vector<NewDelivery> DeliveryList::dead(const QueueKey& key, Millis since, std::int64_t most) {
  return database_.read([&](Session& session) {
    std::vector<NewDelivery> found;
    for (const auto& row :
         session.rows("SELECT d.queue, d.id, d.event, d.bytes FROM delivery d "
                      "JOIN delivery_queue q ON q.id = d.queue WHERE q.instance_id = :instance "
                      "AND q.block = :block AND q.destination = :destination AND d.status = 2 "
                      "AND d.created_at >= :since ORDER BY d.id LIMIT :most",
                      "nnnn", {key.instance.value, key.block, key.destination, since, most}))
      found.push_back(againOf(row));
    return found;
  });
}

std::map<std::string, DeliveryCounts> DeliveryList::counts() {
  return database_.read([](Session& session) {
    std::map<std::string, DeliveryCounts> counts;
    for (const auto& row :
         session.rows("SELECT block, CAST(SUM(pending) AS BIGINT), CAST(SUM(dead) "
                      "AS BIGINT) FROM delivery_queue GROUP BY block",
                      "tnn"))
      counts[row.text(0)] = {row.number(1), row.number(2)};
    return counts;
  });
}

}  // namespace pombo
