#include "process/served_host.hpp"

#include <utility>

namespace pombo {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMostMetrics = 256, kMostRegistered = 512;
// Longer than any request lasts.
constexpr auto kAwaited = 15min;

std::string wordsFor(const Route& route, bool isSocket) {
  return (isSocket ? std::string("the socket ") : std::string("the route ")) +
         boost::describe::enum_to_string(route.method, "") + " " + route.path;
}

}  // namespace

ServedHost::ServedHost(Supervisor& supervisor)
    : supervisor_(supervisor),
      httpSink_(supervisor),
      eventSink_(supervisor),
      sockets_(supervisor) {}

IHost& ServedHost::host() const {
  if (IHost* const opened = host_) return *opened;
  throw Error(Code::unavailable, "The block has not been started");
}

void ServedHost::begin() {
  const std::lock_guard lock(mutex_);
  starting_ = true;
  now_.clear();
}

std::vector<std::string> ServedHost::end() {
  const std::lock_guard lock(mutex_);
  starting_ = false;
  std::vector<std::string> differences;
  if (std::exchange(restarted_, true)) {
    for (const auto& [what, description] : now_)
      if (!first_.contains(what))
        differences.push_back(what + " is new");
      else if (first_.at(what) != description)
        differences.push_back(what + " has changed");
    for (const auto& [what, description] : first_)
      if (!now_.contains(what)) differences.push_back(what + " is gone");
  } else {
    first_ = now_;
  }
  return differences;
}

// A restarted block registers again what core already has: the handlers lead to whoever lives now.
bool ServedHost::isNew(const std::string& what, const Json& description) {
  const std::lock_guard lock(mutex_);
  if (!starting_) throw Error(Code::internal, what + " came too late: it is for start()");
  if (now_.size() >= kMostRegistered) throw Error(Code::tooLarge, "Too much is registered");
  now_.emplace(what, description);
  return !restarted_;
}

void ServedHost::add(const Route& route, bool isSocket) {
  if (!isNew(wordsFor(route, isSocket), boost::json::value_from(route))) return;
  if (isSocket)
    host().routes().addSocket(route, [this, path = route.path](const HttpRequest& request,
                                                               std::shared_ptr<ISocket> socket) {
      sockets_.open(path, request, std::move(socket));
    });
  else
    host().routes().add(
        route, [this, route](const HttpRequest& request) { return handle(route, request); });
}

void ServedHost::addDialect(const std::string& name) {
  if (!isNew("the dialect " + name, nullptr)) return;
  host().routes().addDialect(name, [this, name](const Refusal& refusal) {
    return supervisor_.ask<Json>("dialect.write", name, refusal);
  });
}

void ServedHost::subscribe(const Delivery& delivery, bool http) {
  if (!isNew(http ? "the HTTP sink" : "the event sink", boost::json::value_from(delivery))) return;
  eventSink_.timeout(delivery.timeout);
  if (http)
    host().events().subscribe(static_cast<IHttpSink&>(httpSink_), delivery);
  else
    host().events().subscribe(static_cast<IEventSink&>(eventSink_), delivery);
}

// Only what was asked of this block may it answer later.
HttpReply ServedHost::handle(const Route& route, const HttpRequest& request) {
  const auto now = Peer::Clock::now();
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(awaited_, [&](const auto& each) { return each.second < now; });
    awaited_.emplace(request.id, now + kAwaited);
  }
  try {
    auto reply = supervisor_.ask<HttpReply>("route.handle", route.method, route.path, request);
    if (reply.file) supervisor_.requireFile(*reply.file);
    if (reply.later) return reply;
    const std::lock_guard lock(mutex_);
    awaited_.erase(request.id);
    return reply;
  } catch (...) {
    const std::lock_guard lock(mutex_);
    awaited_.erase(request.id);
    throw;
  }
}

void ServedHost::answer(const std::string& requestId, const HttpReply& reply) {
  {
    const std::lock_guard lock(mutex_);
    if (!awaited_.erase(requestId)) return;
  }
  if (reply.file) supervisor_.requireFile(*reply.file);
  host().routes().answer(requestId, reply);
}

bool ServedHost::isMetric(const std::string& name) {
  // What the supervisor says of it is not for it to say.
  static const std::set<std::string> taken{"up", "crashes", "restarts", "quarantined"};
  if (taken.contains(name)) return false;
  const std::lock_guard lock(mutex_);
  if (metrics_.size() < kMostMetrics) metrics_.insert(name.substr(0, 64));
  return metrics_.contains(name);
}

Handlers ServedHost::posts() {
  Handlers all = sockets_.posts();
  all["log.write"] = unpacked<Level, std::string, Json>(
      [this](Level level, const std::string& message, const Json& fields) {
        host().log().write(level, message, fields);
      });
  all["metrics.count"] = unpacked<std::string, double>([this](const std::string& name, double by) {
    if (isMetric(name)) host().metrics().count(name, by);
  });
  all["metrics.observe"] =
      unpacked<std::string, double>([this](const std::string& name, double value) {
        if (isMetric(name)) host().metrics().observe(name, value);
      });
  return all;
}

void ServedHost::endLife() {
  std::unique_lock lock(mutex_);
  const auto life = life_;
  lock.unlock();
  life->end();
}

// What a block may ask for. A method that is not here, or whose types wire.hpp does not know, is no
// part of the contract.
Handlers ServedHost::calls() {
  const auto life = std::make_shared<Life>();
  {
    const std::lock_guard lock(mutex_);
    life_ = life;
  }
  const auto self = [this]() -> IHost& { return host(); };
  const auto of = [this](auto service) {
    return [this, service]() -> decltype(auto) { return (host().*service)(); };
  };
  const auto settings = of(&IHost::settings);
  const auto secrets = of(&IHost::secrets);
  const auto sql = of(&IHost::sql);
  const auto http = of(&IHost::http);
  const auto instances = of(&IHost::instances);
  return {
      {"host.server", method(self, &IHost::server)},
      {"host.proxyFor", method(self, &IHost::proxyFor)},
      {"host.perform", method(self, &IHost::perform)},
      {"host.performWith", unpacked<Instance, std::string, Json, std::vector<Media>>(
                               [this](const Instance& instance, const std::string& operation,
                                      const Json& arguments, const std::vector<Media>& files) {
                                 for (const auto& file : files) supervisor_.requireFile(file);
                                 return host().performWith(instance, operation, arguments, files);
                               })},
      {"host.media", method(self, &IHost::media)},
      {"host.provision", method(self, &IHost::provision)},
      {"host.configure", method(self, &IHost::configure)},
      {"clock.now", method(of(&IHost::clock), &IClock::now)},
      {"settings.load", method(settings, &ISettings::load)},
      {"settings.save", method(settings, &ISettings::save)},
      {"settings.erase", method(settings, &ISettings::erase)},
      {"secrets.open", method(secrets, &ISecrets::open)},
      {"secrets.seal", method(secrets, &ISecrets::seal)},
      {"secrets.erase", method(secrets, &ISecrets::erase)},
      {"sql.migrate", method(sql, &ISql::migrate)},
      {"sql.query", method(sql, &ISql::query)},
      {"sql.apply", method(sql, &ISql::apply)},
      {"routes.add", unpacked<Route>([this](const Route& route) { add(route, false); })},
      {"routes.addSocket", unpacked<Route>([this](const Route& route) { add(route, true); })},
      {"routes.addDialect",
       unpacked<std::string>([this](const std::string& name) { addDialect(name); })},
      {"routes.answer",
       unpacked<std::string, HttpReply>(
           [this](const std::string& id, const HttpReply& reply) { answer(id, reply); })},
      {"http.send", method(http, &IHttpClient::send)},
      {"http.requireAllowed", method(http, &IHttpClient::requireAllowed)},
      {"http.requireAllowedProxy", method(http, &IHttpClient::requireAllowedProxy)},
      {"events.publish",
       [life, publish = method(of(&IHost::events), &IEvents::publish)](const Packed& arguments) {
         return life->within([&] { return publish(arguments); });
       }},
      {"events.subscribeHttp",
       unpacked<Delivery>([this](const Delivery& delivery) { subscribe(delivery, true); })},
      {"events.subscribe",
       unpacked<Delivery>([this](const Delivery& delivery) { subscribe(delivery, false); })},
      {"events.envelope", method(of(&IHost::events), &IEvents::envelope)},
      {"events.deliveries", method(of(&IHost::events), &IEvents::deliveries)},
      {"events.redeliver", method(of(&IHost::events), &IEvents::redeliver)},
      {"events.giveUp", method(of(&IHost::events), &IEvents::giveUp)},
      {"instances.find", method(instances, &IInstances::find)},
      {"instances.findByName", method(instances, &IInstances::findByName)},
      {"instances.list", method(instances, &IInstances::list)},
      {"instances.admit", method(instances, &IInstances::admit)},
  };
}

}  // namespace pombo
