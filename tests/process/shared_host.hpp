// A FakeHost whose log and metrics may be used by many threads, and waited for.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

#include "pombo/testing/fake_host.hpp"

namespace pombo {

class SharedHost final : public IHost, private ILogger, private IMetrics, private IEvents {
 public:
  FakeHost fake;  // for everything else; one thread at a time
  IHttpSink* httpSink = nullptr;
  IEventSink* eventSink = nullptr;

  const Json& config() const override { return fake.configNode; }
  ServerInfo server() const override { return fake.server(); }
  ILogger& log() override { return *this; }
  IMetrics& metrics() override { return *this; }
  IClock& clock() override { return fake.clock(); }
  ISettings& settings() override { return fake.settings(); }
  ISecrets& secrets() override { return fake.secrets(); }
  ISql& sql() override { return fake.sql(); }
  IRoutes& routes() override { return fake.routes(); }
  IHttpClient& http() override { return fake.http(); }
  IEvents& events() override { return *this; }
  IInstances& instances() override { return fake.instances(); }
  std::optional<Proxy> proxyFor(const InstanceId& id) const override { return fake.proxyFor(id); }
  Json perform(const Instance& i, const std::string& operation, const Json& a) override {
    return fake.perform(i, operation, a);
  }
  Json performWith(const Instance& i, const std::string& operation, const Json& a,
                   const std::vector<Media>& files) override {
    return fake.performWith(i, operation, a, files);
  }
  Media media(const Event& event) override { return fake.media(event); }
  Provisioned provision(const AccountId& a, const Json& body) override {
    return fake.provision(a, body);
  }
  Provisioned configure(const Instance& i, const Json& body) override {
    return fake.configure(i, body);
  }

  double counter(const std::string& name) {
    const std::lock_guard lock(mutex_);
    return counters_[name];
  }
  double gauge(const std::string& name) {
    const std::lock_guard lock(mutex_);
    return gauges_[name];
  }
  // False when it has not come to pass within a minute.
  bool waitForCounter(const std::string& name, double atLeast) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::minutes(1),
                             [&] { return counters_[name] >= atLeast; });
  }
  bool waitForTheSum(const std::string& one, const std::string& other, double atLeast) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::minutes(1),
                             [&] { return counters_[one] + counters_[other] >= atLeast; });
  }
  bool waitForGauge(const std::string& name, double value) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::minutes(1),
                             [&] { return gauges_.contains(name) && gauges_[name] == value; });
  }
  // The fields of the first line with this message; waits for it.
  Json line(const std::string& message) {
    std::unique_lock lock(mutex_);
    Json found;
    changed_.wait_for(lock, std::chrono::minutes(1), [&] {
      for (const auto& each : lines_)
        if (each.message == message) return found = each.fields, true;
      return false;
    });
    return found;
  }
  std::size_t lines(const std::string& message) {
    const std::lock_guard lock(mutex_);
    std::size_t all = 0;
    for (const auto& each : lines_) all += each.message == message;
    return all;
  }

 private:
  void write(Level level, const std::string& message, const Json& fields) override {
    const std::lock_guard lock(mutex_);
    lines_.push_back({level, message, fields});
    changed_.notify_all();
  }
  void count(const std::string& name, double by) override {
    const std::lock_guard lock(mutex_);
    counters_[name] += by;
    changed_.notify_all();
  }
  void observe(const std::string& name, double value) override {
    const std::lock_guard lock(mutex_);
    gauges_[name] = value;
    changed_.notify_all();
  }

  std::vector<std::string> publish(const std::vector<Event>& events) override {
    return fake.events().publish(events);
  }
  void subscribe(IHttpSink& sink, const Delivery& delivery) override {
    fake.events().subscribe(sink, delivery);
    httpSink = &sink;
  }
  void subscribe(IEventSink& sink, const Delivery& delivery) override {
    fake.events().subscribe(sink, delivery);
    eventSink = &sink;
  }
  Json envelope(const Event& event, bool withMediaBase64) const override {
    return const_cast<FakeHost&>(fake).events().envelope(event, withMediaBase64);
  }
  std::vector<DeliveryRecord> deliveries(const InstanceId& id,
                                         const DeliveryQuery& query) const override {
    return const_cast<FakeHost&>(fake).events().deliveries(id, query);
  }
  void redeliver(const InstanceId& id, const std::vector<std::string>& ids) override {
    fake.events().redeliver(id, ids);
  }
  void giveUp(const InstanceId& id, const std::string& destination,
              const std::string& reason) override {
    fake.events().giveUp(id, destination, reason);
  }

  std::mutex mutex_;  // guards all below
  std::condition_variable changed_;
  std::vector<LogLine> lines_;
  std::map<std::string, double> counters_, gauges_;
};

}  // namespace pombo
