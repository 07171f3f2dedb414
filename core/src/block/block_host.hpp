// What one block sees of the gateway: every service under the block's own name.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "block/route_table.hpp"
#include "observe/logger.hpp"
#include "observe/metrics.hpp"
#include "pombo/block.hpp"
#include "storage/block_store.hpp"

namespace pombo {

class Events;

// What other parts of the gateway do for blocks; implemented where they are.
class IBackOffice {
 public:
  virtual ~IBackOffice() = default;
  virtual ServerInfo server() const = 0;
  virtual std::optional<Proxy> proxyFor(const InstanceId&) const = 0;
  // Through the instance's connector; Error{unavailable} when it is not loaded.
  virtual Json perform(const Instance&, const std::string& operation, const Json& arguments,
                       const std::vector<Media>& files) = 0;
  virtual Media media(const Instance&, const std::string& mediaKey) = 0;
  virtual Provisioned provision(const AccountId&, const Json& body) = 0;
  virtual Provisioned configure(const Instance&, const Json& body) = 0;
};

// Lives longer than any block.
struct Services {
  Log& log;
  Metrics& metrics;
  IClock& clock;
  Database& database;
  BlockStore& store;
  RouteTable& routes;
  IHttpClient& http;
  IInstances& instances;
  IBackOffice& office;
  Events& events;
  int laneWorkers = 4;  // threads of a sink that does not post
};

class BlockHost final : public IHost,
                        private ISettings,
                        private ISecrets,
                        private ISql,
                        private IRoutes,
                        private IHttpClient,
                        private IEvents {
 public:
  BlockHost(std::string block, Json config, const Services&, std::shared_ptr<Standing>);

  const Json& config() const override { return config_; }
  ServerInfo server() const override { return all_.office.server(); }
  ILogger& log() override { return *log_; }
  IMetrics& metrics() override { return *metrics_; }
  IClock& clock() override { return all_.clock; }
  ISettings& settings() override { return *this; }
  ISecrets& secrets() override { return *this; }
  ISql& sql() override { return *this; }
  IRoutes& routes() override { return *this; }
  IHttpClient& http() override { return *this; }
  IEvents& events() override { return *this; }
  IInstances& instances() override { return all_.instances; }
  std::optional<Proxy> proxyFor(const InstanceId& id) const override {
    return all_.office.proxyFor(id);
  }
  Json perform(const Instance& instance, const std::string& operation,
               const Json& arguments) override {
    return all_.office.perform(instance, operation, arguments, {});
  }
  Json performWith(const Instance& instance, const std::string& operation, const Json& arguments,
                   const std::vector<Media>& files) override {
    return all_.office.perform(instance, operation, arguments, files);
  }
  Media media(const Event&) override;
  Provisioned provision(const AccountId& account, const Json& body) override {
    return all_.office.provision(account, body);
  }
  Provisioned configure(const Instance& instance, const Json& body) override {
    return all_.office.configure(instance, body);
  }

 private:
  // ISettings
  std::optional<Json> load(const InstanceId&) const override;
  void save(const InstanceId&, const Json& document) override;
  void erase(const InstanceId&) override;
  // ISecrets
  std::optional<std::string> open(const InstanceId&, const std::string& name) const override;
  void seal(const InstanceId&, const std::string& name, const std::string& value) override;
  void erase(const InstanceId&, const std::string& name) override;
  // ISql
  void migrate(const std::vector<Migration>&) override;
  std::vector<SqlRow> query(const Statement&) override;
  void apply(const std::vector<Statement>&) override;
  // IRoutes
  void add(const Route&, RouteHandler) override;
  void addSocket(const Route&, SocketHandler) override;
  void addDialect(const std::string& name, ErrorWriter) override;
  void answer(const std::string& requestId, const HttpReply&) override;
  // IHttpClient
  IncomingReply send(const OutgoingRequest&) override;
  void requireAllowed(const std::string& url) override { all_.http.requireAllowed(url); }
  void requireAllowedProxy(const std::string& host) override {
    all_.http.requireAllowedProxy(host);
  }
  // IEvents
  std::vector<std::string> publish(const std::vector<Event>&) override;
  void subscribe(IHttpSink&, const Delivery&) override;
  void subscribe(IEventSink&, const Delivery&) override;
  Json envelope(const Event&, bool withMediaBase64) const override;
  std::vector<DeliveryRecord> deliveries(const InstanceId&, const DeliveryQuery&) const override;
  void redeliver(const InstanceId&, const std::vector<std::string>& ids) override;
  void giveUp(const InstanceId&, const std::string& destination,
              const std::string& reason) override;

  const std::string block_;
  const Json config_;
  const Services all_;
  const std::shared_ptr<Standing> standing_;
  const std::unique_ptr<ILogger> log_;
  const std::unique_ptr<IMetrics> metrics_;
};

}  // namespace pombo
