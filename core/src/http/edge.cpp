#include "http/edge.hpp"

#include <algorithm>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <future>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include "http/edge_loop.hpp"
#include "http/listen_address.hpp"

namespace pombo {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr std::chrono::milliseconds kBackOff{100};

// "127.0.0.1" is that also when it comes to a socket of IPv6.
std::string textOf(const asio::ip::address& address) {
  if (!address.is_v6() || !address.to_v6().is_v4_mapped()) return address.to_string();
  return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).to_string();
}

EdgeOptions completed(EdgeOptions options) {
  options.threads = std::max(options.threads, 1);
  if (!options.newId) {
    options.newId = [last = std::make_shared<std::atomic<std::uint64_t>>(0)] {
      return std::to_string(last->fetch_add(1) + 1);
    };
  }
  return options;
}

tcp::endpoint resolve(asio::io_context& context, const ListenAddress& address) {
  error_code error;
  const auto literal = asio::ip::make_address(address.host, error);
  if (!error) return {literal, address.port};
  const auto found =
      tcp::resolver(context).resolve(address.host, std::to_string(address.port),
                                     tcp::resolver::passive | tcp::resolver::numeric_service);
  // "localhost" is two addresses, and clients that try only one try this one.
  const auto v4 = std::find_if(found.begin(), found.end(), [](const auto& entry) {
    return entry.endpoint().address().is_v4();
  });
  return v4 != found.end() ? v4->endpoint() : found.begin()->endpoint();
}

tcp::acceptor listenOn(asio::io_context& context, tcp::endpoint endpoint) {
  tcp::acceptor acceptor(context);
  error_code error;
  acceptor.open(endpoint.protocol(), error);
  // A host without IPv6 can still take every address it has.
  if (error == asio::error::address_family_not_supported && endpoint.address().is_unspecified()) {
    endpoint = {asio::ip::address_v4::any(), endpoint.port()};
    acceptor.open(endpoint.protocol());
  } else if (error) {
    throw boost::system::system_error(error);
  }
  acceptor.set_option(tcp::acceptor::reuse_address(true));
  if (endpoint.address().is_v6()) acceptor.set_option(asio::ip::v6_only(false));
  acceptor.bind(endpoint);
  acceptor.listen();
  return acceptor;
}

}  // namespace

class Edge::Impl {
 public:
  Impl(const EdgeOptions& options, IService& service)
      : options_(completed(options)),
        cap_(options_.connections),
        bodyMemory_(options_.bodyMemory),
        loops_(makeLoops(service)),
        acceptor_(listen()),
        backOff_(loops_.front()->context()) {}

  void start() {
    const auto share = (options_.prepared + loops_.size() - 1) / loops_.size();
    for (const auto& loop : loops_) loop->prepare(share);
    accept();
    for (const auto& loop : loops_) threads_.emplace_back([loop] { loop->run(); });
  }

  void stop(std::chrono::milliseconds grace) {
    const auto deadline = std::chrono::steady_clock::now() + grace;
    if (threads_.empty()) return closeAcceptor();
    asio::post(loops_.front()->context(), [this] { closeAcceptor(); });
    std::vector<std::future<void>> drained;
    for (const auto& loop : loops_) drained.push_back(loop->drain());
    for (const auto& loop : drained) loop.wait_until(deadline);
    for (const auto& loop : loops_) loop->cut();
    for (auto& thread : threads_) thread.join();
    threads_.clear();
  }

  std::uint16_t port() const { return port_; }
  const EdgeCounters& counters() const { return counters_; }
  std::uint64_t bodyMemoryUsed() const { return bodyMemory_.used(); }
  Most takeMost() { return {counters_.open.takeMost(), bodyMemory_.takeMost()}; }

 private:
  std::vector<std::shared_ptr<EdgeLoop>> makeLoops(IService& service) {
    std::vector<std::shared_ptr<EdgeLoop>> loops;
    for (int i = 0; i < options_.threads; ++i) {
      loops.push_back(std::make_shared<EdgeLoop>(options_, service, counters_, cap_, bodyMemory_));
    }
    return loops;
  }

  tcp::acceptor listen() {
    const auto address = parseListenAddress(options_.listen);
    auto& context = loops_.front()->context();
    try {
      auto acceptor = listenOn(context, resolve(context, address));
      port_ = acceptor.local_endpoint().port();
      return acceptor;
    } catch (const boost::system::system_error& error) {
      throw std::runtime_error("Cannot listen on '" + options_.listen +
                               "': " + error.code().message());
    }
  }

  void accept() {
    const auto& loop = loops_[next_++ % loops_.size()];
    acceptor_.async_accept(loop->context(), peer_,
                           [this, loop](const auto& error, tcp::socket socket) {
                             onAccepted(*loop, error, std::move(socket));
                           });
  }

  void onAccepted(EdgeLoop& loop, const error_code& error, tcp::socket socket) {
    if (!acceptor_.is_open()) return;
    // Out of descriptors, most likely, and the client is still in the queue: to ask again at once
    // would be a busy loop. A client that has left the queue is no reason to wait.
    if (error && error != asio::error::connection_aborted) return acceptLater();
    const auto peer = peer_.address();
    accept();
    if (!error) admit(loop, std::move(socket), textOf(peer));
  }

  void admit(EdgeLoop& loop, tcp::socket socket, std::string peer) {
    ConnectionCap::Place place;
    switch (cap_.enter(peer, place)) {
      case ConnectionCap::Verdict::entered:
        if (cap_.crowded()) tell("All connections are taken", "", options_.connections.all);
        return loop.adopt(std::move(socket), std::move(peer), std::move(place));
      case ConnectionCap::Verdict::tooManyOfAddress:
        counters_.refusedByAddress.fetch_add(1);
        tell(
            "Too many connections from one address: a reverse proxy belongs in "
            "http.trustedProxies",
            peer, options_.connections.perAddress);
        break;
      case ConnectionCap::Verdict::full:
        counters_.refusedWhenFull.fetch_add(1);
        break;
    }
    closeWithReset(std::move(socket));
  }

  void tell(const char* what, const std::string& address, std::size_t limit) {
    if (!options_.log || !cap_.mayTell(address, std::chrono::steady_clock::now())) return;
    boost::json::object fields{{"limit", limit}};
    if (!address.empty()) fields["address"] = address;
    options_.log->write(Level::warn, what, fields);
  }

  void acceptLater() {
    counters_.acceptFailures.fetch_add(1);
    backOff_.expires_after(kBackOff);
    backOff_.async_wait([this](const error_code& error) {
      if (!error && acceptor_.is_open()) accept();
    });
  }

  void closeAcceptor() {
    error_code ignored;
    acceptor_.close(ignored);
    backOff_.cancel();
  }

  const EdgeOptions options_;
  EdgeCounters counters_;
  ConnectionCap cap_;
  const BodyMemory bodyMemory_;
  std::uint16_t port_ = 0;
  std::vector<std::shared_ptr<EdgeLoop>> loops_;
  tcp::acceptor acceptor_;      // on the first loop
  asio::steady_timer backOff_;  // likewise
  tcp::endpoint peer_;          // of the one that is accepted next
  std::size_t next_ = 0;
  std::vector<std::thread> threads_;
};

Edge::Edge(const EdgeOptions& options, IService& service)
    : impl_(std::make_unique<Impl>(options, service)) {}
Edge::~Edge() { impl_->stop(std::chrono::milliseconds(0)); }

void Edge::start() { impl_->start(); }
std::uint16_t Edge::port() const { return impl_->port(); }
const EdgeCounters& Edge::counters() const { return impl_->counters(); }
std::uint64_t Edge::bodyMemoryUsed() const { return impl_->bodyMemoryUsed(); }
Edge::Most Edge::takeMost() { return impl_->takeMost(); }
void Edge::stop(std::chrono::milliseconds grace) { impl_->stop(grace); }

void Edge::collect(Metrics& metrics) const {
  const auto& counters = impl_->counters();
  metrics.countTo("pombo_edge_connections_total", {}, double(counters.connections));
  metrics.countTo("pombo_edge_requests_total", {}, double(counters.requests));
  metrics.countTo("pombo_edge_malformed_total", {}, double(counters.malformed));
  metrics.countTo("pombo_edge_timeouts_total", {}, double(counters.timeouts));
  metrics.countTo("pombo_edge_connections_refused_total", {{"reason", "address"}},
                  double(counters.refusedByAddress));
  metrics.countTo("pombo_edge_connections_refused_total", {{"reason", "full"}},
                  double(counters.refusedWhenFull));
  metrics.countTo("pombo_edge_connections_evicted_total", {}, double(counters.evicted));
  metrics.countTo("pombo_edge_bodies_refused_total", {}, double(counters.bodiesRefused));
  metrics.countTo("pombo_edge_accept_failures_total", {}, double(counters.acceptFailures));
  metrics.observe("pombo_edge_connections_open", {}, double(counters.open));
  metrics.observe("pombo_edge_body_memory_bytes", {}, double(bodyMemoryUsed()));
}

}  // namespace pombo
