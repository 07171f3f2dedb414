// What /metrics shows: counters and gauges in Prometheus' text format.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "pombo/observe.hpp"

namespace pombo {

using Labels = std::map<std::string, std::string>;

// Thread-safe. Names come in full: "pombo_http_requests_total". No instance, number or token ever
// becomes a name or a label.
class Metrics {
 public:
  Metrics();
  ~Metrics();

  void count(const std::string& name, const Labels&, double by = 1);
  void countTo(const std::string& name, const Labels&, double total);  // when another one counts
  void observe(const std::string& name, const Labels&, double value);  // a gauge

  // Asked before each scrape.
  void onScrape(std::function<void(Metrics&)>);
  std::string text();

  // A block's own: pombo_<block>_<name>_total and pombo_<block>_<name>.
  std::unique_ptr<IMetrics> of(const std::string& block);

 private:
  class Families;
  std::unique_ptr<Families> families_;
};

}  // namespace pombo
