#include "observe/metrics.hpp"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <mutex>
#include <vector>

namespace pombo {

class Metrics::Families {
 public:
  prometheus::Counter& counter(const std::string& name, const Labels& labels) {
    std::lock_guard lock(mutex_);
    auto& known = counters_[{name, labels}];
    if (!known) known = &prometheus::BuildCounter().Name(name).Register(registry_).Add(labels);
    return *known;
  }
  prometheus::Gauge& gauge(const std::string& name, const Labels& labels) {
    std::lock_guard lock(mutex_);
    auto& known = gauges_[{name, labels}];
    if (!known) known = &prometheus::BuildGauge().Name(name).Register(registry_).Add(labels);
    return *known;
  }
  void add(std::function<void(Metrics&)> collector) {
    std::lock_guard lock(mutex_);
    collectors_.push_back(std::move(collector));
  }
  std::vector<std::function<void(Metrics&)>> collectors() {
    std::lock_guard lock(mutex_);
    return collectors_;
  }
  std::unique_lock<std::mutex> exclusive() { return std::unique_lock(totalsMutex_); }
  std::string text() { return prometheus::TextSerializer().Serialize(registry_.Collect()); }

 private:
  prometheus::Registry registry_;
  std::mutex totalsMutex_;  // held while a counter follows another
  std::mutex mutex_;        // guards all below
  std::map<std::pair<std::string, Labels>, prometheus::Counter*> counters_;
  std::map<std::pair<std::string, Labels>, prometheus::Gauge*> gauges_;
  std::vector<std::function<void(Metrics&)>> collectors_;
};

namespace {

class BlockMetrics final : public IMetrics {
 public:
  BlockMetrics(Metrics& all, const std::string& block)
      : all_(all), prefix_("pombo_" + block + "_") {}
  // A name that Prometheus would refuse is no reason for a block to fail: it is not counted.
  void count(const std::string& name, double by) override {
    if (isName(name) && by >= 0) all_.count(prefix_ + name + "_total", {}, by);
  }
  void observe(const std::string& name, double value) override {
    if (isName(name)) all_.observe(prefix_ + name, {}, value);
  }

 private:
  static bool isName(const std::string& name) {
    return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
    });
  }

  Metrics& all_;
  const std::string prefix_;
};

}  // namespace

Metrics::Metrics() : families_(std::make_unique<Families>()) {}
Metrics::~Metrics() = default;

void Metrics::count(const std::string& name, const Labels& labels, double by) {
  families_->counter(name, labels).Increment(by);
}

void Metrics::countTo(const std::string& name, const Labels& labels, double total) {
  const auto lock = families_->exclusive();  // two scrapes at once would both add the difference
  auto& counter = families_->counter(name, labels);
  if (total > counter.Value()) counter.Increment(total - counter.Value());
}

void Metrics::observe(const std::string& name, const Labels& labels, double value) {
  families_->gauge(name, labels).Set(value);
}

void Metrics::onScrape(std::function<void(Metrics&)> collector) {
  families_->add(std::move(collector));
}

std::string Metrics::text() {
  for (const auto& collect : families_->collectors()) collect(*this);
  return families_->text();
}

std::unique_ptr<IMetrics> Metrics::of(const std::string& block) {
  return std::make_unique<BlockMetrics>(*this, block);
}

}  // namespace pombo
