// The gateway as a block sees it from a process of its own: every service is a call over the pipe.
#pragma once

#include <cmath>
#include <semaphore>

#include "pombo/block.hpp"
#include "process/peer.hpp"
#include "process/protocol.hpp"

namespace pombo {

class ChildHost final : public IHost,
                        private ILogger,
                        private IMetrics,
                        private IClock,
                        private ISettings,
                        private ISecrets,
                        private ISql,
                        private IRoutes,
                        private IHttpClient,
                        private IEvents,
                        private IInstances {
 public:
  explicit ChildHost(Peer& peer) : peer_(peer) {}

  // The other way: what core asks of the block, and of what it has registered.
  Handlers callsOf(IBlockConfigurator&);
  Handlers postsOf();

  const Json& config() const override { return config_; }
  ServerInfo server() const override { return ask<ServerInfo>("host.server"); }
  ILogger& log() override { return *this; }
  IMetrics& metrics() override { return *this; }
  IClock& clock() override { return *this; }
  ISettings& settings() override { return *this; }
  ISecrets& secrets() override { return *this; }
  ISql& sql() override { return *this; }
  IRoutes& routes() override { return *this; }
  IHttpClient& http() override { return *this; }
  IEvents& events() override { return *this; }
  IInstances& instances() override { return *this; }
  std::optional<Proxy> proxyFor(const InstanceId& id) const override {
    return ask<std::optional<Proxy>>("host.proxyFor", id);
  }
  Json perform(const Instance& i, const std::string& operation, const Json& arguments) override {
    return ask<Json>("host.perform", i, operation, arguments);
  }
  Json performWith(const Instance& i, const std::string& operation, const Json& arguments,
                   const std::vector<Media>& files) override {
    return ask<Json>("host.performWith", i, operation, arguments, files);
  }
  Media media(const Event& e) override { return ask<Media>("host.media", e); }
  Provisioned provision(const AccountId& a, const Json& body) override {
    return ask<Provisioned>("host.provision", a, body);
  }
  Provisioned configure(const Instance& i, const Json& body) override {
    return ask<Provisioned>("host.configure", i, body);
  }

 private:
  class Socket;
  using Words = std::string;

  // ILogger, IMetrics, IClock
  void write(Level level, const Words& message, const Json& fields) override {
    post("log.write", level, message, fields);
  }
  void count(const Words& name, double by) override {
    if (std::isfinite(by)) post("metrics.count", name, by);
  }
  void observe(const Words& name, double value) override {
    if (std::isfinite(value)) post("metrics.observe", name, value);
  }
  TimePoint now() const override { return ask<TimePoint>("clock.now"); }
  // ISettings, ISecrets, ISql
  std::optional<Json> load(const InstanceId& id) const override {
    return ask<std::optional<Json>>("settings.load", id);
  }
  void save(const InstanceId& id, const Json& d) override { ask("settings.save", id, d); }
  void erase(const InstanceId& id) override { ask("settings.erase", id); }
  std::optional<Words> open(const InstanceId& id, const Words& name) const override {
    return ask<std::optional<Words>>("secrets.open", id, name);
  }
  void seal(const InstanceId& id, const Words& name, const Words& value) override {
    ask("secrets.seal", id, name, value);
  }
  void erase(const InstanceId& id, const Words& name) override { ask("secrets.erase", id, name); }
  void migrate(const std::vector<Migration>& steps) override { ask("sql.migrate", steps); }
  std::vector<SqlRow> query(const Statement& s) override {
    return ask<std::vector<SqlRow>>("sql.query", s);
  }
  void apply(const std::vector<Statement>& all) override { ask("sql.apply", all); }
  // IRoutes
  void add(const Route&, RouteHandler) override;
  void addSocket(const Route&, SocketHandler) override;
  void addDialect(const Words& name, ErrorWriter) override;
  void answer(const Words& requestId, const HttpReply& reply) override {
    ask("routes.answer", requestId, reply);
  }
  // IHttpClient
  IncomingReply send(const OutgoingRequest& r) override {
    return ask<IncomingReply>("http.send", r);
  }
  void requireAllowed(const Words& url) override { ask("http.requireAllowed", url); }
  void requireAllowedProxy(const Words& host) override { ask("http.requireAllowedProxy", host); }
  // IEvents
  std::vector<std::string> publish(const std::vector<Event>& events) override {
    return ask<std::vector<std::string>>("events.publish", events);
  }
  void subscribe(IHttpSink&, const Delivery&) override;
  void subscribe(IEventSink&, const Delivery&) override;
  Json envelope(const Event& e, bool withMediaBase64) const override {
    return ask<Json>("events.envelope", e, withMediaBase64);
  }
  std::vector<DeliveryRecord> deliveries(const InstanceId& id,
                                         const DeliveryQuery& query) const override {
    return ask<std::vector<DeliveryRecord>>("events.deliveries", id, query);
  }
  void redeliver(const InstanceId& id, const std::vector<std::string>& ids) override {
    ask("events.redeliver", id, ids);
  }
  void giveUp(const InstanceId& id, const Words& destination, const Words& reason) override {
    ask("events.giveUp", id, destination, reason);
  }
  // IInstances
  std::optional<Instance> find(const InstanceId& id) const override {
    return ask<std::optional<Instance>>("instances.find", id);
  }
  std::optional<Instance> findByName(const AccountId& a, const Words& name) const override {
    return ask<std::optional<Instance>>("instances.findByName", a, name);
  }
  std::vector<Instance> list(const AccountId& a) const override {
    return ask<std::vector<Instance>>("instances.list", a);
  }
  Instance admit(const Words& token, const Words& name) override {
    return ask<Instance>("instances.admit", token, name);
  }

  template <class R = void, class... A>
  R ask(const char* name, const A&... arguments) const {
    Packed result = exchange(name, pack(arguments...));
    if constexpr (!std::is_void_v<R>) return resultOf<R>(std::move(result));
  }
  template <class... A>
  void post(const char* name, const A&... arguments) const {
    tell(name, pack(arguments...));
  }
  Packed exchange(const char* name, Packed arguments) const;
  void tell(const char* name, Packed arguments) const;

  HttpReply handle(Method, const Words& path, const HttpRequest&);
  Json writeError(const Words& dialect, const Refusal&);
  void openSocket(const Words& path, const HttpRequest&, std::uint64_t id);
  void closeSocket(std::uint64_t id);

  Peer& peer_;
  // Core serves so many at once; whoever comes later waits here, where it harms nobody.
  mutable std::counting_semaphore<> turns_{static_cast<std::ptrdiff_t>(kMostCalls)};
  Json config_;
  IHttpSink* httpSink_ = nullptr;
  IEventSink* eventSink_ = nullptr;
  std::map<std::pair<Method, Words>, RouteHandler> handlers_;  // those three: constant from start()
  std::map<Words, SocketHandler> socketHandlers_;
  std::map<Words, ErrorWriter> dialects_;
  std::mutex mutex_;  // guards sockets_
  std::map<std::uint64_t, std::weak_ptr<Socket>> sockets_;
};

}  // namespace pombo
