#include "process/child_host.hpp"

namespace pombo {

// Its end is told to the block once; what the block says after that goes nowhere.
class ChildHost::Socket final : public ISocket {
 public:
  Socket(ChildHost& host, std::uint64_t id) : host_(host), id_(id) {}
  ~Socket() override { host_.post("socket.release", id_); }

  void send(const std::shared_ptr<const std::string>& text) override {
    host_.post("socket.send", id_, text);
  }
  void close(int code, const std::string& reason) override {
    host_.post("socket.close", id_, code, reason);
  }
  void onClosed(std::function<void()> callback) override {
    std::unique_lock lock(mutex_);
    if (!closed_) {
      callback_ = std::move(callback);
      return;
    }
    lock.unlock();
    callback();
  }
  void closed() {
    std::unique_lock lock(mutex_);
    closed_ = true;
    const auto callback = std::exchange(callback_, nullptr);
    lock.unlock();
    if (callback) callback();
  }

 private:
  ChildHost& host_;
  const std::uint64_t id_;
  std::mutex mutex_;  // guards both
  bool closed_ = false;
  std::function<void()> callback_;
};

Packed ChildHost::exchange(const char* name, Packed arguments) const {
  const auto deadline = Peer::deadlineOfServed();
  const bool nested = deadline.has_value();
  if (!nested) turns_.acquire();
  const auto leave = [&](void*) {
    if (!nested) turns_.release();
  };
  const std::unique_ptr<void, decltype(leave)> turn(&turns_, leave);
  try {
    return peer_.ask(deadline.value_or(Peer::Deadline::max()), Peer::Deadline::max(), name,
                     std::move(arguments));
  } catch (const Peer::Late&) {
    throw Error(Code::timedOut, "The time for the call is up");
  } catch (const Peer::Gone&) {
    throw Error(Code::unavailable, "The gateway is gone");
  }
}

void ChildHost::tell(const char* name, Packed arguments) const {
  try {
    peer_.post(name, std::move(arguments));
  } catch (const Peer::Gone&) {
    return;  // and so is, in a moment, this process
  } catch (const Error&) {
    return;  // too large for a log line or a frame: nobody can be told
  }
}

void ChildHost::add(const Route& route, RouteHandler handler) {
  ask("routes.add", route);
  handlers_[{route.method, route.path}] = std::move(handler);
}

void ChildHost::addSocket(const Route& route, SocketHandler handler) {
  ask("routes.addSocket", route);
  socketHandlers_[route.path] = std::move(handler);
}

void ChildHost::addDialect(const Words& name, ErrorWriter writer) {
  ask("routes.addDialect", name);
  dialects_[name] = std::move(writer);
}

void ChildHost::subscribe(IHttpSink& sink, const Delivery& delivery) {
  ask("events.subscribeHttp", delivery);
  httpSink_ = &sink;
}

void ChildHost::subscribe(IEventSink& sink, const Delivery& delivery) {
  ask("events.subscribe", delivery);
  eventSink_ = &sink;
}

HttpReply ChildHost::handle(Method method, const Words& path, const HttpRequest& request) {
  return handlers_.at({method, path})(request);
}

Json ChildHost::writeError(const Words& dialect, const Refusal& refusal) {
  return dialects_.at(dialect)(refusal);
}

void ChildHost::openSocket(const Words& path, const HttpRequest& request, std::uint64_t id) {
  const auto socket = std::make_shared<Socket>(*this, id);
  {
    const std::lock_guard lock(mutex_);
    sockets_[id] = socket;
  }
  socketHandlers_.at(path)(request, socket);
}

void ChildHost::closeSocket(std::uint64_t id) {
  std::unique_lock lock(mutex_);
  const auto entry = sockets_.extract(id);
  lock.unlock();
  // Its callback is the block's and may ask for anything: not here, where others wait to read.
  if (const auto socket = entry ? entry.mapped().lock() : nullptr)
    peer_.later([socket] { socket->closed(); });
}

Handlers ChildHost::postsOf() {
  return {
      {"socket.closed", unpacked<std::uint64_t>([this](std::uint64_t id) { closeSocket(id); })}};
}

// What core may ask of a block, as remote_block.cpp and served_host.cpp ask it.
Handlers ChildHost::callsOf(IBlockConfigurator& block) {
  const auto self = [&block]() -> IBlockConfigurator& { return block; };
  const auto here = [this]() -> ChildHost& { return *this; };
  const auto httpSink = [this]() -> IHttpSink& { return *httpSink_; };
  const auto eventSink = [this]() -> IEventSink& { return *eventSink_; };
  const auto connector = [&block]() -> IConnector& { return *block.connector(); };
  const auto enricher = [&block]() -> IEnricher& { return *block.enricher(); };
  const auto proxies = [&block]() -> IProxySource& { return *block.proxies(); };
  return {
      {"block.declare", unpacked<>([&] {
         return Declared{block.fields(), block.options()};
       })},
      {"block.start", unpacked<Json>([&block, this](const Json& config) {
         config_ = config;
         block.start(*this);
         return Sides{!!block.connector(), !!block.enricher(), !!block.proxies()};
       })},
      {"block.configure", unpacked<Instance, Json>([&](const Instance& i, const Json& slice) {
         block.configure(i, Fields(slice));
       })},
      {"block.summary", method(self, &IBlockConfigurator::summary)},
      {"block.forget", method(self, &IBlockConfigurator::forget)},
      {"block.health", method(self, &IBlockConfigurator::health)},
      {"block.stop", unpacked<>([&] { block.stop(); })},
      {"connector.connect", method(connector, &IConnector::connect)},
      {"connector.reconnect", method(connector, &IConnector::reconnect)},
      {"connector.disconnect", method(connector, &IConnector::disconnect)},
      {"connector.logout", method(connector, &IConnector::logout)},
      {"connector.profile", method(connector, &IConnector::profile)},
      {"connector.perform", method(connector, &IConnector::perform)},
      {"connector.performWith", method(connector, &IConnector::performWith)},
      {"connector.media", method(connector, &IConnector::media)},
      {"enricher.enrich", method(enricher, &IEnricher::enrich)},
      {"proxies.proxyFor", method(proxies, &IProxySource::proxyFor)},
      {"httpSink.route", method(httpSink, &IHttpSink::route)},
      {"httpSink.request", method(httpSink, &IHttpSink::request)},
      {"httpSink.judge", method(httpSink, &IHttpSink::judge)},
      {"eventSink.route", method(eventSink, &IEventSink::route)},
      {"eventSink.deliver", method(eventSink, &IEventSink::deliver)},
      {"route.handle", method(here, &ChildHost::handle)},
      {"dialect.write", method(here, &ChildHost::writeError)},
      {"socket.open", method(here, &ChildHost::openSocket)},
  };
}

}  // namespace pombo
