// Deliveries as a client asks for them.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "event/record.hpp"
#include "storage/database.hpp"

namespace pombo {

struct ListedDelivery {
  std::int64_t id = 0;
  std::string eventId = {}, type = {}, destination = {};
  DeliveryStatus status = DeliveryStatus::pending;
  int attempts = 0, httpStatus = 0;
  std::string error = {}, reason = {};
  // On the timeline.
  Millis createdAt = 0;
  std::optional<Millis> attemptedAt = {}, nextAt = {};
};

// A delivery that exists, as Pipeline::redeliver() takes it.
struct KnownDelivery {
  NewDelivery delivery = {};
  std::string destination = {};
};

// Of all queues of a block.
struct DeliveryCounts {
  std::int64_t pending = 0, dead = 0;
};

struct DeliveryFilter {
  InstanceId instance = {};
  std::string block = {};
  std::optional<std::string> destination = {};
  std::optional<DeliveryStatus> status = {};
  std::vector<std::int64_t> ids = {};  // empty: any
  Millis since = 0;                    // created then or later
  std::int64_t before = kNever;        // ids below this one: the next page
  std::int64_t limit = 50;
};

// Thread-safe. Never shows a delivery of another instance.
class DeliveryList {
 public:
  explicit DeliveryList(Database& database) : database_(database) {}

  std::vector<ListedDelivery> newest(const DeliveryFilter&);  // newest first

  // Those of the ids that are known, in order.
  std::vector<KnownDelivery> find(const InstanceId&, const std::string& block,
                                  const std::vector<std::int64_t>& ids);
  // Dead ones that were created then or later, the oldest first.
  std::vector<NewDelivery> dead(const QueueKey&, Millis since, std::int64_t most);
  // By block. As cheap as there are queues, not deliveries.
  std::map<std::string, DeliveryCounts> counts();

 private:
  Database& database_;
};

}  // namespace pombo
