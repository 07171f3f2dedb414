// What a block may ask of its deliveries.
#pragma once

#include <atomic>

#include "event/barriers.hpp"
#include "event/delivery_list.hpp"
#include "event/pipeline_thread.hpp"
#include "event/timeline.hpp"

namespace pombo {

// As IEvents, for the block that is named. Thread-safe.
class BlockDeliveries {
 public:
  BlockDeliveries(Database& database, PipelineThread& thread, Barriers& barriers,
                  const Timeline& timeline)
      : list_(database), thread_(thread), barriers_(barriers), timeline_(timeline) {}

  std::vector<DeliveryRecord> list(const std::string& block, const InstanceId&,
                                   const DeliveryQuery&);
  void redeliver(const std::string& block, const InstanceId&, const std::vector<std::string>& ids);
  void giveUp(const QueueKey&, const std::string& reason);

  std::map<std::string, DeliveryCounts> counts() { return list_.counts(); }

 private:
  void sayAndWait(PipelineThread::Saying);
  Moment now();

  DeliveryList list_;
  PipelineThread& thread_;
  Barriers& barriers_;
  const Timeline& timeline_;
  std::atomic<Millis> wallAhead_{0};  // of the time since the boot, as it was shown last
};

}  // namespace pombo
