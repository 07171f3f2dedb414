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

// Of all queues of a block.
struct DeliveryCounts {
  std::int64_t pending = 0, dead = 0;
  std::optional<Millis> oldest = {};  // when the first was created that is pending
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

  // Those of the ids that are known, in order, as Pipeline::redeliver() takes them.
  std::vector<NewDelivery> find(const InstanceId&, const std::string& block,
                                const std::vector<std::int64_t>& ids);
  // By block. As cheap as there are queues, not deliveries.
  std::map<std::string, DeliveryCounts> counts();

 private:
  Database& database_;
};

}  // namespace pombo
