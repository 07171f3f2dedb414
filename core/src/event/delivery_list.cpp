#include "event/delivery_list.hpp"

#include <algorithm>
#include <functional>

namespace pombo {
namespace {

using Names = std::map<std::int64_t, std::string>;  // destinations by queue

constexpr std::size_t kIdsAtOnce = 100;  // of one statement

Names queuesOf(Session& session, const InstanceId& instance, const std::string& block) {
  Names queues;
  for (const auto& row : session.rows("SELECT id, destination FROM delivery_queue "
                                      "WHERE instance_id = :instance AND block = :block",
                                      "nt", {instance.value, block}))
    queues[row.number(0)] = row.text(1);
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

constexpr auto kListed =
    "SELECT d.id, e.id, e.type, d.status, d.attempts, d.http_status, d.error, d.reason, "
    "d.created_at, d.attempted_at, d.next_at, d.queue FROM ";
constexpr auto kWithEvent = " d JOIN event e ON e.seq = d.event ";
constexpr auto kColumns = "nttnnnttnnnn";

// What stands for deliveries of others is not shown when it has been found out whose: those are
// told by themselves.
bool isShown(DeliveryStatus status, const std::string& destination, const DeliveryFilter& filter) {
  if (filter.destination && *filter.destination != destination) return false;
  if (filter.status && *filter.status != status) return false;
  return destination != kUnrouted || status != DeliveryStatus::delivered;
}

// One statement, so that what changes its status meanwhile is neither missed nor met twice. The
// index knows the newest of each status.
void page(Session& session, std::int64_t queue, const std::string& destination,
          const DeliveryFilter& filter, std::vector<ListedDelivery>& into) {
  std::string all;
  Values values;
  for (const auto status :
       {DeliveryStatus::pending, DeliveryStatus::delivered, DeliveryStatus::dead}) {
    if (!isShown(status, destination, filter)) continue;
    const std::string n = std::to_string(static_cast<int>(status));
    all += (all.empty() ? "SELECT * FROM (" : " UNION ALL SELECT * FROM (") +
           ("SELECT * FROM delivery WHERE queue = :queue" + n) + " AND status = " + n +
           " AND id < :before" + n;
    values.insert(values.end(), {queue, filter.before});
    if (filter.since > 0) {
      all += " AND created_at >= :since" + n;
      values.emplace_back(filter.since);
    }
    all += " ORDER BY id DESC LIMIT :most" + n + ") s" + n;
    values.emplace_back(filter.limit);
  }
  if (all.empty()) return;
  values.emplace_back(filter.limit);
  const std::string sql =
      kListed + ("(" + all + ")") + kWithEvent + "ORDER BY d.id DESC LIMIT :most";
  for (const auto& row : session.rows(sql, kColumns, values))
    into.push_back(listed(row, destination));
}

// Of the ids, a statement for many. `select` ends where a condition is to follow.
void eachOf(Session& session, const std::string& select, const char* columns,
            const std::vector<std::int64_t>& ids, const std::function<void(const Row&)>& take) {
  std::string list;
  for (std::size_t i = 0; i < kIdsAtOnce; ++i) list += (i ? ", :id" : ":id") + std::to_string(i);
  for (std::size_t at = 0; at < ids.size(); at += kIdsAtOnce) {
    Values values(kIdsAtOnce, std::int64_t{0});  // which is nobody's id
    std::copy_n(ids.begin() + static_cast<std::ptrdiff_t>(at),
                std::min(kIdsAtOnce, ids.size() - at), values.begin());
    for (const auto& row :
         session.rows(select + "d.id IN (" + list + ") ORDER BY d.id", columns, values))
      take(row);
  }
}

}  // namespace

std::vector<ListedDelivery> DeliveryList::newest(const DeliveryFilter& filter) {
  return database_.read([&](Session& session) {
    std::vector<ListedDelivery> found;
    const auto queues = queuesOf(session, filter.instance, filter.block);
    if (filter.ids.empty())
      for (const auto& [queue, name] : queues) page(session, queue, name, filter, found);
    const std::string byId = std::string(kListed) + "delivery" + kWithEvent + "WHERE ";
    eachOf(session, byId, kColumns, filter.ids, [&](const Row& row) {
      const auto queue = queues.find(row.number(11));
      if (queue == queues.end()) return;
      auto each = listed(row, queue->second);
      if (isShown(each.status, each.destination, filter) && each.id < filter.before &&
          each.createdAt >= filter.since)
        found.push_back(std::move(each));
    });
    std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.id > b.id; });
    if (found.size() > static_cast<std::size_t>(filter.limit))
      found.resize(static_cast<std::size_t>(filter.limit));
    return found;
  });
}

std::vector<NewDelivery> DeliveryList::find(const InstanceId& instance, const std::string& block,
                                            const std::vector<std::int64_t>& ids) {
  return database_.read([&](Session& session) {
    std::vector<NewDelivery> found;
    const auto queues = queuesOf(session, instance, block);
    eachOf(session, "SELECT d.queue, d.id, d.event, d.bytes FROM delivery d WHERE ", "nnnn", ids,
           [&](const Row& row) {
             if (queues.contains(row.number(0)))
               found.push_back(
                   {row.number(0),
                    {.id = row.number(1), .event = row.number(2), .bytes = row.number(3)}});
           });
    return found;
  });
}

std::map<std::string, DeliveryCounts> DeliveryList::counts() {
  return database_.read([](Session& session) {
    std::map<std::string, DeliveryCounts> counts;
    // The oldest of a queue is the first of an index.
    for (const auto& row : session.rows(
             "SELECT q.block, CAST(SUM(q.pending) AS BIGINT), CAST(SUM(q.dead) AS BIGINT), "
             "MIN(CASE WHEN q.pending > 0 THEN (SELECT d.created_at FROM delivery d "
             "WHERE d.queue = q.id AND d.status = 0 ORDER BY d.id LIMIT 1) END) "
             "FROM delivery_queue q GROUP BY q.block",
             "tnnn"))
      counts[row.text(0)] = {row.number(1), row.number(2), timeIn(row, 3)};
    return counts;
  });
}

}  // namespace pombo
