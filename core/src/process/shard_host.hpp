// The host of one process of several: the block's, but that gauges are added up, and that only a
// block in one process registers anything.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <set>

#include "pombo/host.hpp"

namespace pombo {

// What the processes of one block observe, added up. Thread-safe.
class ShardGauges {
 public:
  explicit ShardGauges(IMetrics& metrics) : metrics_(metrics) {}
  void observe(int process, const std::string& name, double value);
  // It has ended: what it has said of itself is not so any more.
  void forget(int process);
  // There is none of this number any more.
  void remove(int process);

 private:
  void erase(int process, const std::set<std::string>& but);

  IMetrics& metrics_;
  std::mutex mutex_;  // guards the one below
  std::map<std::string, std::map<int, double>> values_;
};

class ShardHost final : public IHost,
                        private ILogger,
                        private IMetrics,
                        private IRoutes,
                        private IEvents {
 public:
  struct Place {
    int process = 0;
    bool single = true;  // the block has no other, and may register what it likes
    std::function<void(const InstanceId&)> active = {};  // something is told of it
  };

  ShardHost(IHost& host, ShardGauges& gauges, Place place)
      : host_(host), gauges_(gauges), place_(std::move(place)) {}

  const Json& config() const override { return host_.config(); }
  ServerInfo server() const override { return host_.server(); }
  ILogger& log() override { return *this; }
  IMetrics& metrics() override { return *this; }
  IClock& clock() override { return host_.clock(); }
  ISettings& settings() override { return host_.settings(); }
  ISecrets& secrets() override { return host_.secrets(); }
  ISql& sql() override { return host_.sql(); }
  IRoutes& routes() override {
    if (place_.single) return host_.routes();
    return *this;
  }
  IHttpClient& http() override { return host_.http(); }
  IEvents& events() override { return *this; }
  IInstances& instances() override { return host_.instances(); }
  std::optional<Proxy> proxyFor(const InstanceId& id) const override { return host_.proxyFor(id); }
  Json perform(const Instance& i, const std::string& operation, const Json& a) override {
    return host_.perform(i, operation, a);
  }
  Json performWith(const Instance& i, const std::string& operation, const Json& a,
                   const std::vector<Media>& files) override {
    return host_.performWith(i, operation, a, files);
  }
  Media media(const Event& event) override { return host_.media(event); }
  Provisioned provision(const AccountId& a, const Json& body) override {
    return host_.provision(a, body);
  }
  Provisioned configure(const Instance& i, const Json& body) override {
    return host_.configure(i, body);
  }

 private:
  [[noreturn]] static void refuse() {
    throw Error(Code::unsupported, "A block in several processes registers nothing");
  }

  void write(Level level, const std::string& message, const Json& fields) override;
  void count(const std::string& name, double by) override { host_.metrics().count(name, by); }
  void observe(const std::string& name, double value) override {
    gauges_.observe(place_.process, name, value);
  }

  void add(const Route&, RouteHandler) override { refuse(); }
  void addSocket(const Route&, SocketHandler) override { refuse(); }
  void addDialect(const std::string&, ErrorWriter) override { refuse(); }
  void answer(const std::string& id, const HttpReply& reply) override {
    host_.routes().answer(id, reply);
  }

  std::vector<std::string> publish(const std::vector<Event>& events) override;
  void subscribe(IHttpSink& sink, const Delivery& delivery) override {
    if (!place_.single) refuse();
    host_.events().subscribe(sink, delivery);
  }
  void subscribe(IEventSink& sink, const Delivery& delivery) override {
    if (!place_.single) refuse();
    host_.events().subscribe(sink, delivery);
  }
  Json envelope(const Event& event, bool withMedia) const override {
    return host_.events().envelope(event, withMedia);
  }
  std::vector<DeliveryRecord> deliveries(const InstanceId& id,
                                         const DeliveryQuery& query) const override {
    return host_.events().deliveries(id, query);
  }
  void redeliver(const InstanceId& id, const std::vector<std::string>& ids) override {
    host_.events().redeliver(id, ids);
  }
  void giveUp(const InstanceId& id, const std::string& to, const std::string& reason) override {
    host_.events().giveUp(id, to, reason);
  }

  IHost& host_;
  ShardGauges& gauges_;
  const Place place_;
};

}  // namespace pombo
