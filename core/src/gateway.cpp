#include "gateway.hpp"

#include <algorithm>
#include <thread>
#include <utility>

#include "account/accounts.hpp"
#include "block/registry.hpp"
#include "block_opener.hpp"
#include "gateway_events.hpp"
#include "gateway_options.hpp"
#include "http/admin_routes.hpp"
#include "http/admission.hpp"
#include "http/docs_routes.hpp"
#include "http/edge.hpp"
#include "http/instance_routes.hpp"
#include "http/link_routes.hpp"
#include "http/media_routes.hpp"
#include "http/memory_trim.hpp"
#include "http/metrics_port.hpp"
#include "http/openapi.hpp"
#include "http/server_routes.hpp"
#include "instance/identity.hpp"
#include "instance/limit_store.hpp"
#include "instance/link_state.hpp"
#include "instance/linker.hpp"
#include "instance/provisioner.hpp"
#include "instance/reconnector.hpp"
#include "instance/settings_block.hpp"
#include "media/received_media.hpp"
#include "net/http_client.hpp"
#include "observe/clock.hpp"
#include "observe/rounds.hpp"

namespace pombo {
namespace {

constexpr int kCheckEvery = 10;      // seconds
constexpr int kSettingsWorkers = 4;  // some wait for connectors that are slow

std::string withoutSlash(std::string url) {
  while (url.ends_with('/')) url.pop_back();
  return url;
}

// "[::]:8080" with the port that was bound.
std::string boundAddress(const std::string& listen, std::uint16_t port) {
  return listen.substr(0, listen.rfind(':')) + ":" + std::to_string(port);
}

}  // namespace

const char* version() { return POMBO_VERSION; }

class Gateway::Parts final : private IBackOffice, private IInstances {
 public:
  Parts(const Config& config, const Environment& environment)
      : config_(config),
        log_(textAt(config.log, "level"),
             static_cast<int>(numberAt(config.log, "blockLinesPerSecond"))),
        audit_(textAt(config.audit, "file"), log_, metrics_),
        store_(storeOptionsOf(config, environment)),
        blocks_(store_.database(), store_.sealer()),
        instances_(store_.database(), store_.sealer()),
        accounts_(store_.database(), store_.sealer()),
        limitStore_(store_.database(), limits_, clock_),
        egress_({listAt(config.egress, "allow"), config.egress.at("proxyPrivate").as_bool()}),
        client_(egress_, std::string("Pombo/") + version(),
                [this](const InstanceId& id) { return registry_.proxyFor(id); }),
        linker_(
            store_.database(), instances_, registry_, clock_, log_, linkTimesOf(config),
            [this](const std::vector<Event>& events) { events_.publish(events); },
            [this](const Instance& instance) { settings_->apply(instance); }),
        mediaLinks_(store_.sealer(), clock_,
                    std::chrono::hours(numberAt(config.media, "linkHours"))),
        spool_(spoolOptionsOf(config, store_.database().file()), clock_, log_),
        surroundings_(
            registry_, instances_, blocks_, linkStates_, media_,
            config.events.at("history").as_bool(), [this] { return server().baseUrl; },
            [this](const std::vector<Event>& events) {
              linker_.heard(events);
              reconnector_.heard(events);
            }),
        events_(eventsOptionsOf(config, std::string("Pombo/") + version()), store_.database(),
                egress_, surroundings_, clock_, log_, metrics_,
                [this](Session& session, const std::vector<Event>& events) {
                  linkStates_.apply(session, events);
                }),
        opener_(config_, environment, store_.database().file(), log_,
                [this](const std::string& block, RemoteBlock::Fate fate, int process,
                       const Shards::Its& its) {
                  using Fate = RemoteBlock::Fate;
                  const LinkProcess ended(block, process, its);
                  if (fate == Fate::revived) return reconnector_.revived(ended);
                  reconnector_.ended(ended, fate == Fate::quarantined);
                }),
        registry_(readPromises(), log_, metrics_,
                  [this](const InstanceId& id, const std::string& block) {
                    return !blocks_.load(id, block, Secrets::sealed).empty();
                  }),
        provisioner_(store_.database(), blocks_, instances_, registry_, clock_, log_),
        list_(blocks_, instances_, registry_),
        authentication_(store_.database(), store_.sealer(), accounts_, clock_),
        addresses_(listAt(config.http, "trustedProxies")),
        cors_(listAt(config.http, "origins"), listAt(config.sockets, "origins"), accounts_),
        admission_(admissionOptionsOf(config), authentication_, addresses_, cors_, instances_,
                   limits_) {
    try {
      build(config);
    } catch (const std::exception& error) {
      // A call that does not end is inside of what would be destroyed now.
      const int missing = events_.stop(std::chrono::steady_clock::now());
      if (registry_.stop() + missing == 0) throw;
      std::fprintf(stderr, "pombo: %s\n", error.what());
      std::_Exit(1);
    }
  }

  ~Parts() override { stop(); }

  void start() {
    linker_.start();
    reconnector_.start(std::exchange(toReconnect_, {}));
    edge_->start();
    if (metricsEdge_) metricsEdge_->start();
    keepHouse();
    health_.set(Health::Phase::ready);
  }

  std::string url() const {
    return "http://" + boundAddress(textAt(config_.http, "listen"), edge_->port());
  }

  void stop() {
    if (!edge_) return;
    health_.set(Health::Phase::draining);
    router_->drain();
    // Still listening: whoever asks now learns that the server is going, not that it is gone.
    const auto deadline = std::chrono::steady_clock::now() +
                          std::chrono::seconds(numberAt(config_.http, "drainSeconds"));
    linker_.drain();
    reconnector_.stop();
    while (router_->inFlight() > 0 && std::chrono::steady_clock::now() < deadline)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    linkStates_.close(store_.database());
    linker_.close(std::max(deadline, std::chrono::steady_clock::now() + std::chrono::seconds(1)));
    // What is still being received has the rest of the time; a second at least, to be told.
    int missing = events_.stop(deadline);
    edge_->stop(std::max<std::chrono::milliseconds>(
        std::chrono::seconds(1), std::chrono::duration_cast<std::chrono::milliseconds>(
                                     deadline - std::chrono::steady_clock::now())));
    if (metricsEdge_) metricsEdge_->stop(std::chrono::seconds(0));
    house_.stop();
    checks_.stop();
    routes_.expire(std::chrono::steady_clock::time_point::max());
    saveLimits();
    missing += registry_.stop();
    tellDroppedLines();
    if (const int strays = std::max(missing, router_->strayThreads()); strays > 0) {
      // A block's call that never came back still has a thread inside all of this. Everything that
      // counts is on the disk; the rest is not to be taken away under its feet.
      log_.write(Level::error, "Calls that never ended were left behind", {{"threads", strays}});
      audit_.flush();
      std::_Exit(0);
    }
    // The router's workers may still be looking at the edges' counters.
    router_.reset();
    metricsEdge_.reset();
    edge_.reset();
  }

 private:
  void build(const Config& config) {
    auto settings = std::make_unique<SettingsBlock>();
    auto fields = settings->fields();
    settings_ = settings.get();
    add({{.name = SettingsBlock::kName,
          .flat = true,
          .inPlace = true,
          .fields = std::move(fields),
          .code = std::move(settings)},
         boost::json::object()},
        kSettingsWorkers);
    for (const auto& wanted : config.blocks) add(opener_.open(wanted), wanted.laneWorkers);
    registry_.start();
    for (const auto& block : registry_.list().all())
      if (!block.running()) {
        routes_.drop(block.name);
        events_.drop(block.name);
      }
    requireBlocks();
    provisioner_.onErased([this](const InstanceId& id) {
      events_.forget(id);
      if (sockets_) sockets_->close(id);
      linker_.forget(id);
      media_.forget(id);
    });
    provisioner_.recover(abandonedBefore());
    spool_.restore([this](const InstanceId& id) { return instances_.find(id).has_value(); });
    toReconnect_ = linker_.reset();
    events_.start();
    limitStore_.restore();
    addInstanceRoutes(routes_, provisioner_, instances_, list_, registry_.list());
    addLinkRoutes(routes_, linker_);
    addMediaRoutes(routes_, mediaLinks_, spool_);
    addServerRoutes(routes_, health_, metrics_,
                    {textAt(config.metrics, "token"), listAt(config.metrics, "allow")}, clock_);
    addAdminRoutes(routes_, accounts_, provisioner_, audit_, clock_);
    if (textAt(config.admin, "token").empty()) routes_.drop(Access::admin);
    describe();
    listen();
    checkHealth();
  }

  // Every route of anybody's is there.
  void describe() {
    const std::string url = withoutSlash(textAt(config_.http, "baseUrl"));
    const bool described = config_.http.at("openapi").as_bool();
    if (described) addDescriptionRoute(routes_, description_);
    if (described && config_.http.at("docs").as_bool()) addDocsRoutes(routes_, url);
    addPromisedRoutes(routes_, registry_);
    routes_.close();
    description_ = mediaOf(
        "application/json; charset=utf-8",
        serialize(openApiOf(routes_, registry_.list(), {version(), url, messageShapeOf(config_)})));
  }

  // IBackOffice
  ServerInfo server() const override {
    const std::string configured = textAt(config_.http, "baseUrl");
    return {version(), withoutSlash(configured.empty() && edge_ ? url() : configured)};
  }
  std::optional<Proxy> proxyFor(const InstanceId& id) const override {
    return registry_.proxyFor(id);
  }
  Json perform(const Instance& instance, const std::string& operation, const Json& arguments,
               const std::vector<Media>& files) override {
    return registry_.perform(instance, operation, arguments, files);
  }
  Media media(const Instance& instance, const std::string& mediaKey) override {
    return media_.of(instance.id, mediaKey);
  }
  Provisioned provision(const AccountId& account, const Json& body) override {
    return provisioner_.create(account, body);
  }
  Provisioned configure(const Instance& instance, const Json& body) override {
    Provisioned configured = provisioner_.configure(instance, body);
    settings_->apply(instance);
    return configured;
  }
  // IInstances
  std::optional<Instance> find(const InstanceId& id) const override {
    const auto stored = instances_.find(id);
    return stored ? std::optional(stored->instance) : std::nullopt;
  }
  std::optional<Instance> findByName(const AccountId& account,
                                     const std::string& name) const override {
    const auto stored = instances_.findByName(account, normalized(name).value_or(name));
    return stored ? std::optional(stored->instance) : std::nullopt;
  }
  std::vector<Instance> list(const AccountId& account) const override {
    std::vector<Instance> all;
    for (auto& stored : instances_.list(account)) all.push_back(std::move(stored.instance));
    return all;
  }
  Instance admit(const std::string& token, const std::string& instanceName) override {
    return admission_.admit(token, instanceName);
  }

  void add(OpenedBlock opened, int laneWorkers = 1) {
    Block& block = opened.block;
    if (block.code)
      block.host = std::make_unique<BlockHost>(
          block.name, std::move(opened.options),
          Services{log_, metrics_, clock_, store_.database(), blocks_, routes_, client_, *this,
                   *this, events_, laneWorkers},
          block.standing);
    registry_.add(std::move(block));
  }

  Media fetchMedia(const InstanceId& id, const std::string& mediaKey,
                   std::chrono::milliseconds budget) const {
    const auto stored = instances_.find(id);
    if (!stored) throw Error(Code::notFound, "Instance not found");
    return registry_.media(stored->instance, mediaKey, budget);
  }

  void requireBlocks() const {
    for (const auto& wanted : config_.blocks)
      if (const Block* block = registry_.find(wanted.name); wanted.required && !block->running())
        throw std::runtime_error("block '" + wanted.name + "' is required: " + block->problem);
  }

  void listen() {
    const EdgeOptions options = publicEdgeOptionsOf(
        config_, log_,
        [this](const std::string& address) { return addresses_.isTrusted(address); });
    sockets_ = std::make_shared<Sockets>(socketLimitsOf(config_, options.connections.all), log_);
    router_ = std::make_unique<Router>(routerOptionsOf(config_), routes_, admission_, cors_,
                                       *sockets_, audit_, log_, metrics_, clock_);
    edge_ = std::make_unique<Edge>(options, *router_);
    cors_.own(server().baseUrl);
    if (const std::string address = textAt(config_.metrics, "listen"); !address.empty()) {
      metricsEdge_ =
          std::make_unique<Edge>(metricsEdgeOptionsOf(config_, address, log_), metricsPort_);
    }
    metrics_.onScrape([this](Metrics& metrics) { collect(metrics); });
  }

  void collect(Metrics& metrics) {
    metrics.countTo("pombo_storage_commits_total", {}, double(store_.database().commits()));
    metrics.countTo("pombo_storage_jobs_total", {}, double(store_.database().jobs()));
    registry_.collect(metrics);
    events_.collect(metrics);
    media_.collect(metrics);
    if (!edge_) return;
    edge_->collect(metrics);
    router_->collect(metrics);
    sockets_->collect(metrics);
    metrics.countTo("pombo_http_threads_written_off_total", {}, router_->threadsWrittenOff());
  }

  // Once a second, unless it says otherwise.
  void keepHouse() {
    using namespace std::chrono_literals;
    house_.every(1s, [this] { saveLimits(); });
    house_.every(1s, [this] { tellDroppedLines(); });
    house_.every(1s, [this] { routes_.expire(std::chrono::steady_clock::now()); });
    house_.every(1s, [this] { trim_.look(*edge_); });
    house_.every(1s, Level::warn, "Half-made instances were not removed",
                 whileThere([this] { provisioner_.sweep(); }));
    house_.every(10s, Level::warn, "Half-made instances of other servers were not removed",
                 whileThere([this] {
                   if (store_.database().isShared()) provisioner_.recover(abandonedBefore());
                 }));
    house_.every(1s, Level::warn, "Bans that are over were not ended",
                 whileThere([this] { linker_.sweep(); }));
    house_.every(60s, [this] { events_.tidy(); });
    house_.every(60s, [this] { spool_.sweep(); });
    // Tokens can be revoked beside the server, and their grace ends by itself.
    house_.every(5s, Level::warn, "Tokens of WebSockets were not checked", [this] {
      sockets_->recheck([this](const SocketOwner& owner) { return admission_.mayListen(owner); });
    });
    checks_.every(1s, [this] { checkNowAndAgain(); });
    house_.start();
    checks_.start();
  }

  // Not asked for what it could only refuse.
  Rounds::Task whileThere(Rounds::Task task) {
    return [this, task = std::move(task)] {
      if (!store_.database().away()) task();
    };
  }

  // A database that is away is looked for more often, so that its return is told soon.
  void checkNowAndAgain() {
    if (--untilCheck_ > 0 && databaseAnswers_ && !store_.database().away()) return;
    untilCheck_ = kCheckEvery;
    checkHealth();
  }

  void saveLimits() {
    try {
      limitStore_.save();
    } catch (const std::exception& error) {
      log_.write(Level::warn, "Rate limits were not saved", {{"reason", error.what()}});
    }
  }

  // A reservation that old is nobody's any more: of other servers on the same database none serves
  // a request for longer. Where there are no others, none is.
  TimePoint abandonedBefore() {
    if (!store_.database().isShared()) return TimePoint::max();
    return clock_.now() - std::chrono::seconds(numberAt(config_.http, "budgetSeconds") + 60);
  }

  void tellDroppedLines() {
    for (const auto& [block, lines] : log_.tellDropped())
      metrics_.count("pombo_" + block + "_log_lines_dropped_total", {}, double(lines));
  }

  void checkHealth() {
    std::map<std::string, std::string> checks = registry_.health();
    for (const auto& [block, said] : events_.health())
      if (checks[block] == "ok" || checks[block].empty()) checks[block] = said;
    databaseAnswers_ = false;
    try {
      store_.database().read([](Session& session) { session.rows("SELECT 1", "n"); });
      checks["db"] = "ok";
      databaseAnswers_ = true;
    } catch (const std::exception&) {
      checks["db"] = "fail: the database does not answer";
    }
    health_.set(std::move(checks));
  }

  const Config config_;
  Log log_;
  Metrics metrics_;
  AuditLog audit_;
  SystemClock clock_;
  Store store_;
  BlockStore blocks_;
  InstanceStore instances_;
  Accounts accounts_;
  Limits limits_;
  LimitStore limitStore_;
  Egress egress_;
  HttpClient client_;
  RouteTable routes_;
  Media description_;  // of the routes, once they are closed
  LinkStates linkStates_{instances_, clock_};
  Linker linker_;
  Reconnector reconnector_{linker_, log_};
  std::vector<InstanceId> toReconnect_;  // at the start
  MediaLinks mediaLinks_;
  Spool spool_;
  ReceivedMedia media_{
      spool_, mediaLinks_,
      [this](const InstanceId& id, const std::string& mediaKey, std::chrono::milliseconds budget) {
        return fetchMedia(id, mediaKey, budget);
      },
      [this](const InstanceId& id) { return instances_.find(id).has_value(); }, metrics_};
  GatewaySurroundings surroundings_;
  Events events_;  // calls the blocks between its start() and its stop()
  BlockOpener opener_;
  SettingsBlock* settings_ = nullptr;  // of the registry's
  Registry registry_;  // its blocks call the reconnector, and their processes the opener's logs
  Provisioner provisioner_;
  InstanceList list_;
  Health health_;
  Authentication authentication_;
  ClientAddress addresses_;
  Cors cors_;
  Admission admission_;
  MetricsPort metricsPort_{metrics_};
  std::shared_ptr<Sockets> sockets_;
  std::unique_ptr<Router> router_;
  std::unique_ptr<Edge> edge_, metricsEdge_;

  MemoryTrim trim_;
  bool databaseAnswers_ = false;  // at the last look
  int untilCheck_ = kCheckEvery;  // seconds
  // The second's tasks may take their time: a block or a database that does holds up nothing else.
  Rounds house_{log_}, checks_{log_};
};

Gateway::Gateway(const Config& config, const Environment& environment)
    : parts_(std::make_unique<Parts>(config, environment)) {}
Gateway::~Gateway() = default;

void Gateway::start() { parts_->start(); }
std::string Gateway::url() const { return parts_->url(); }
void Gateway::stop() { parts_->stop(); }

}  // namespace pombo
