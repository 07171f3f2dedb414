// One Write of the pipeline, as rows.
#pragma once

#include <map>

#include "event/record.hpp"
#include "storage/session.hpp"

namespace pombo {

// Inside a transaction. Rows that are as the Write wants them are left as they are, and the counts
// of the queues follow what has really changed.
class DeliveryWriter {
 public:
  explicit DeliveryWriter(Session& session) : session_(session) {}

  NoEffect write(const Write&);

 private:
  struct Change {
    std::int64_t pending = 0, bytes = 0, dead = 0;
    std::int64_t place = 0;  // the last that was given
  };

  void name(const QueueName&);
  bool route(const Routing&, Millis now);
  bool routeMore(const Routing&, Millis now);
  void insert(const NewDelivery&, Millis now);
  void settle(const Settlement&);
  bool again(const NewDelivery&);
  bool revive(const NewDelivery&, DeliveryStatus from);
  void bury(const Burial&);
  void count(std::int64_t queue, const PendingDelivery&, int change);
  void writeCounts();
  std::vector<QueueSize> sizesOf(const std::vector<NewDelivery>&);

  Session& session_;
  std::map<std::int64_t, Change> changes_;
};

}  // namespace pombo
