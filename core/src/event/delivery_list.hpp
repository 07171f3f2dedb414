// Deliveries as a client asks for them.
#pragma once

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

struct DeliveryFilter {
  InstanceId instance = {};
  std::string block = {};
  std::optional<std::string> destination = {};
  std::optional<DeliveryStatus> status = {};
  std::int64_t before = kNever;  // ids below this one: the next page
  std::int64_t limit = 50;
};

// Thread-safe. Never shows a delivery of another instance.
class DeliveryList {
 public:
  explicit DeliveryList(Database& database) : database_(database) {}

  std::vector<ListedDelivery> newest(const DeliveryFilter&);  // newest first

  // What Pipeline::redeliver() takes: those of the ids that are delivered or dead ...
  std::vector<NewDelivery> settled(const InstanceId&, const std::string& block,
                                   const std::vector<std::int64_t>& ids);
  // ... and dead ones that were created then or later, the oldest first.
  std::vector<NewDelivery> dead(const QueueKey&, Millis since, std::int64_t most);

 private:
  Database& database_;
};

}  // namespace pombo
