// Uses every service and offers every side, as it is told: what it does inside it must do in a
// process of its own.
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "process/wire.hpp"

using namespace pombo;

namespace {

// Answers later, from a thread that serves no call.
class Afterthought {
 public:
  ~Afterthought() { end(); }
  void begin() {
    thread_ = std::thread([this] {
      std::unique_lock lock(mutex_);
      for (;;) {
        changed_.wait(lock, [this] { return ending_ || !jobs_.empty(); });
        if (jobs_.empty()) return;
        const auto job = std::move(jobs_.front());
        jobs_.pop_front();
        lock.unlock();
        job();
        lock.lock();
      }
    });
  }
  void add(std::function<void()> job) {
    const std::lock_guard lock(mutex_);
    jobs_.push_back(std::move(job));
    changed_.notify_one();
  }
  void end() {
    {
      const std::lock_guard lock(mutex_);
      ending_ = true;
    }
    changed_.notify_one();
    if (thread_.joinable()) thread_.join();
  }

 private:
  std::mutex mutex_;  // guards all below
  std::condition_variable changed_;
  std::deque<std::function<void()>> jobs_;
  bool ending_ = false;
  std::thread thread_;
};

class MirrorBlock final : public IBlockConfigurator,
                          IConnector,
                          IEnricher,
                          IProxySource,
                          IHttpSink,
                          IEventSink {
 public:
  std::vector<Field> fields() const override {
    return {{.name = "mirrorWord", .doc = "Kept.", .maxLength = 10}};
  }
  std::vector<Field> options() const override { return {{.name = "tone", .fallback = "grey"}}; }

  void start(IHost& host) override {
    host_ = &host;
    services_ = servicesOf(host);
    afterthought_.begin();
    host.routes().add({.path = "/mirror/:instance", .summary = "Shows the request"},
                      [](const HttpRequest& request) { return shown(request); });
    host.routes().add({.method = Method::post, .path = "/mirror/:instance", .summary = "Later"},
                      [this](const HttpRequest& request) { return later(request); });
    host.routes().addSocket({.path = "/mirror/live/:instance", .summary = "Talks"},
                            [this](const HttpRequest& request, std::shared_ptr<ISocket> socket) {
                              talk(request, std::move(socket));
                            });
    host.routes().addDialect("plain", [](const Refusal& refusal) {
      return Json{{"said", refusal.sentence}, {"path", refusal.path}};
    });
    host.events().subscribe(static_cast<IHttpSink&>(*this),
                            {.retries = {std::chrono::seconds(1)}, .inFlight = 3});
    host.events().subscribe(static_cast<IEventSink&>(*this), {.keep = Keep::memory});
  }
  void configure(const Instance& instance, const Fields& slice) override {
    host_->settings().save(instance.id, slice.document());
  }
  Json summary(const Instance& instance) override {
    const std::lock_guard lock(mutex_);
    return {{"kept", host_->settings().load(instance.id).value_or(nullptr)}, {"closed", closed_}};
  }
  void forget(const Instance& instance) override { host_->settings().erase(instance.id); }
  std::optional<std::string> health() override { return "ok"; }
  void stop() noexcept override {
    afterthought_.end();
    host_->log().write(Level::info, "stopped", nullptr);
  }
  IConnector* connector() noexcept override { return this; }
  IEnricher* enricher() noexcept override { return this; }
  IProxySource* proxies() noexcept override { return this; }

 private:
  static Handlers servicesOf(IHost& host) {
    const auto self = [&host]() -> IHost& { return host; };
    const auto of = [&host](auto service) {
      return [&host, service]() -> decltype(auto) { return (host.*service)(); };
    };
    return {
        {"config", method(self, &IHost::config)},
        {"host.server", method(self, &IHost::server)},
        {"host.proxyFor", method(self, &IHost::proxyFor)},
        {"host.perform", method(self, &IHost::perform)},
        {"host.provision", method(self, &IHost::provision)},
        {"host.configure", method(self, &IHost::configure)},
        {"log.write", method(of(&IHost::log), &ILogger::write)},
        {"metrics.count", method(of(&IHost::metrics), &IMetrics::count)},
        {"metrics.observe", method(of(&IHost::metrics), &IMetrics::observe)},
        {"clock.now", method(of(&IHost::clock), &IClock::now)},
        {"settings.load", method(of(&IHost::settings), &ISettings::load)},
        {"settings.save", method(of(&IHost::settings), &ISettings::save)},
        {"settings.erase", method(of(&IHost::settings), &ISettings::erase)},
        {"secrets.open", method(of(&IHost::secrets), &ISecrets::open)},
        {"secrets.seal", method(of(&IHost::secrets), &ISecrets::seal)},
        {"secrets.erase", method(of(&IHost::secrets), &ISecrets::erase)},
        {"sql.migrate", method(of(&IHost::sql), &ISql::migrate)},
        {"sql.query", method(of(&IHost::sql), &ISql::query)},
        {"sql.apply", method(of(&IHost::sql), &ISql::apply)},
        {"http.send", method(of(&IHost::http), &IHttpClient::send)},
        {"http.requireAllowed", method(of(&IHost::http), &IHttpClient::requireAllowed)},
        {"http.requireAllowedProxy", method(of(&IHost::http), &IHttpClient::requireAllowedProxy)},
        {"events.publish", method(of(&IHost::events), &IEvents::publish)},
        {"events.envelope", method(of(&IHost::events), &IEvents::envelope)},
        {"events.deliveries", method(of(&IHost::events), &IEvents::deliveries)},
        {"events.redeliver", method(of(&IHost::events), &IEvents::redeliver)},
        {"events.giveUp", method(of(&IHost::events), &IEvents::giveUp)},
        {"instances.find", method(of(&IHost::instances), &IInstances::find)},
        {"instances.findByName", method(of(&IHost::instances), &IInstances::findByName)},
        {"instances.list", method(of(&IHost::instances), &IInstances::list)},
        {"instances.admit", method(of(&IHost::instances), &IInstances::admit)},
    };
  }

  static HttpReply shown(const HttpRequest& request) {
    if (request.query.is_object() && request.query.get_object().contains("file"))
      return {.file = mediaOf("text/plain", "a file of " + request.instance->name)};
    return {.status = 202,
            .body = boost::json::value_from(request),
            .headers = {{"x-mirror", request.id}},
            .warnings = {"seen"}};
  }
  HttpReply later(const HttpRequest& request) {
    afterthought_.add([this, id = request.id] {
      host_->routes().answer(id, {.status = 203, .body = {{"id", id}}});
    });
    return {.later = true};
  }
  void talk(const HttpRequest& request, std::shared_ptr<ISocket> socket) {
    if (request.path == "/refused") throw Error(Code::forbidden, "Not to you");
    socket->send(std::make_shared<const std::string>("hello " + request.instance->name));
    socket->onClosed([this] {
      const std::lock_guard lock(mutex_);
      ++closed_;
    });
    if (request.path == "/short") return socket->close(4001, "that was all");
    const std::lock_guard lock(mutex_);
    sockets_.push_back(std::move(socket));
  }

  // IConnector. What returns nothing is kept, so that it can be seen.
  Link connect(const Instance& instance, const LinkRequest& request) override {
    if (request.number == "0") throw Error(Code::rateLimited, "Too often", std::chrono::seconds(7));
    if (request.number == "1") throw std::logic_error("a secret detail");
    return {Link::Kind::pairing, instance.name + request.number};
  }
  void keep(const Instance& instance, Json what) {
    host_->settings().save(instance.id, std::move(what));
  }
  void reconnect(const Instance& instance, const std::optional<Proxy>& proxy) override {
    keep(instance, {{"reconnected", proxy ? proxy->host : "directly"}});
  }
  void disconnect(const Instance& instance) override { keep(instance, "disconnected"); }
  void logout(const Instance& instance) override { keep(instance, "logged out"); }
  Profile profile(const Instance& instance) override {
    return {.name = instance.name, .isBusiness = true, .businessName = "B", .available = true};
  }
  // Whatever the operation names, it asks of the host.
  Json perform(const Instance&, const std::string& operation, const Json& arguments) override {
    const auto service = services_.find(operation);
    if (service == services_.end()) throw Error(Code::unsupported, "No " + operation);
    return service->second({arguments, {}}).body;
  }
  Json performWith(const Instance& instance, const std::string& operation, const Json& arguments,
                   const std::vector<Media>& files) override {
    return host_->performWith(instance, operation, arguments, files);
  }
  Media media(const Instance& instance, const std::string& key) override {
    return host_->media({.instance = instance.id, .mediaKey = key});
  }
  // IEnricher, IProxySource
  Json enrich(const Event& event) override { return {{"seen", event.type}}; }
  std::optional<Proxy> proxyFor(const InstanceId& id) const override {
    if (id.value.empty()) return std::nullopt;
    return Proxy{.protocol = "socks5", .host = id.value, .port = 1080};
  }
  // IHttpSink and IEventSink
  std::vector<std::string> route(const Event& event) override { return {event.type, event.chat}; }
  OutgoingRequest request(const Event& event, const std::string& to, int attempt) override {
    return {.url = "http://" + to + "/" + std::to_string(attempt), .body = event.id};
  }
  Verdict judge(const IncomingReply& reply) override {
    return {.outcome = Outcome::retry, .reason = std::to_string(reply.status)};
  }
  Verdict deliver(const Event& event, const std::string& to) override {
    return {.outcome = Outcome::drop, .reason = event.id + " to " + to, .notBefore = event.at};
  }

  IHost* host_ = nullptr;
  Handlers services_;
  Afterthought afterthought_;
  std::mutex mutex_;  // guards both
  std::vector<std::shared_ptr<ISocket>> sockets_;
  int closed_ = 0;
};

}  // namespace

POMBO_BLOCK(MirrorBlock, "mirror", "1.2.3")
