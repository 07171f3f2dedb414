// The bytes of received media: fetched once, kept in the spool, and shown to whoever may see them.
#pragma once

#include "media/spool.hpp"
#include "observe/metrics.hpp"
#include "pombo/event.hpp"

namespace pombo {

// Thread-safe.
class ReceivedMedia {
 public:
  using Time = std::chrono::steady_clock::time_point;
  // From the instance's connector, which has so long.
  using Fetch = std::function<Media(const InstanceId&, const std::string& mediaKey,
                                    std::chrono::milliseconds budget)>;
  using Knows = std::function<bool(const InstanceId&)>;

  ReceivedMedia(Spool& spool, const MediaLinks& links, Fetch fetch, Knows knows, Metrics& metrics)
      : spool_(spool),
        links_(links),
        fetch_(std::move(fetch)),
        knows_(std::move(knows)),
        metrics_(metrics) {}

  // Returns when they are in the spool, where they were already if that event was seen before a
  // crash. Throws Error, for receivers to read; about then at the latest. With less than five
  // seconds until then the connector is not asked.
  void keep(const Event&, Time deadline);
  // From the spool, or from the connector when they are not there: for five seconds only, if the
  // event says that it has failed before, and not at all while it is known to be late.
  Media of(const Event&);
  Media of(const InstanceId&, const std::string& mediaKey);
  // A link without the server's address. Nothing: they are not in the spool.
  std::optional<std::string> linkTo(const Event&) const;

  void forget(const InstanceId&);
  void collect(Metrics&) const;  // before a scrape

 private:
  struct Record {
    int late = 0;  // in a row
    Time askAgain = {};
  };

  Media of(const InstanceId&, const std::string& mediaKey, std::chrono::milliseconds patience);
  Media fetch(const InstanceId&, const std::string& mediaKey, std::chrono::milliseconds budget);
  void requireAnswering(const InstanceId&);
  void answered(const InstanceId&, bool inTime);

  Spool& spool_;
  const MediaLinks& links_;
  const Fetch fetch_;
  const Knows knows_;
  Metrics& metrics_;
  std::mutex mutex_;  // guards records_
  std::map<InstanceId, Record> records_;
};

}  // namespace pombo
