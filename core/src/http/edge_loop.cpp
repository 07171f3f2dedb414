#include "http/edge_loop.hpp"

#include <fcntl.h>
#include <sys/eventfd.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <exception>
#include <utility>
#include <vector>

#include "http/answer_writer.hpp"
#include "http/http_connection.hpp"

namespace pombo {

using boost::asio::ip::tcp;

// Leaves nothing of it in the kernel, as the side that closes first otherwise does for a minute.
void closeWithReset(tcp::socket socket) {
  boost::system::error_code ignored;
  socket.set_option(boost::asio::socket_base::linger(true, 0), ignored);
}

EdgeLoop::EdgeLoop(const EdgeOptions& options, IService& service, EdgeCounters& counters,
                   ConnectionCap& cap, const BodyMemory& bodyMemory)
    : work_(context_.get_executor()),
      options_(options),
      service_(service),
      counters_(counters),
      cap_(cap),
      bodyMemory_(bodyMemory) {}

EdgeLoop::~EdgeLoop() = default;

// Asio keeps what it has noted of a descriptor for the next one, and never frees it. Made one by
// one between all else that connections need, those notes would hold on to most of a crowd's memory
// when it has gone.
void EdgeLoop::prepare(std::size_t connections) {
  boost::asio::posix::stream_descriptor any(context_, ::eventfd(0, EFD_CLOEXEC));
  std::vector<boost::asio::posix::stream_descriptor> together;
  together.reserve(connections);
  while (together.size() < connections) {
    const int fd = ::fcntl(any.native_handle(), F_DUPFD_CLOEXEC, 0);
    if (fd < 0) return;
    together.emplace_back(context_, fd);
  }
}

void EdgeLoop::run() {
  while (true) {
    try {
      context_.run();
      return;
    } catch (...) {
      // The connection that threw has ended itself; the others must not go with it.
      counters_.faults.fetch_add(1);
    }
  }
}

void EdgeLoop::adopt(tcp::socket socket, std::string peer, ConnectionCap::Place place) {
  boost::asio::post(context_, [this, socket = std::move(socket), peer = std::move(peer),
                               place = std::move(place)]() mutable {
    take(std::move(socket), std::move(peer), std::move(place));
  });
}

void EdgeLoop::take(tcp::socket socket, std::string peer, ConnectionCap::Place place) {
  if (draining_) return;
  if (cap_.crowded() && !makeRoom()) {
    counters_.refusedWhenFull.fetch_add(1);
    return closeWithReset(std::move(socket));
  }
  auto connection =
      std::make_shared<HttpConnection>(*this, std::move(socket), std::move(peer), std::move(place));
  connections_.emplace(connection.get(), connection);
  counters_.connections.fetch_add(1);
  counters_.open.add(1);
  connection->start();
}

// Of this thread's connections alone: they are dealt out in turn, so each thread has its share of
// those that wait.
bool EdgeLoop::makeRoom() {
  if (waiting_.empty()) return false;
  counters_.evicted.fetch_add(1);
  const auto longest = waiting_.front()->shared_from_this();
  longest->giveWay();
  return true;
}

void EdgeLoop::startsWaiting(Queued& one) { waiting_.splice(waiting_.end(), one); }

void EdgeLoop::stopsWaiting(Queued& one, Queued::iterator at) {
  if (one.empty()) one.splice(one.begin(), waiting_, at);
}

std::future<void> EdgeLoop::drain() {
  auto drained = drained_.get_future();
  boost::asio::post(context_, [this] {
    draining_ = true;
    // A copy: those that end are removed.
    const auto connections = connections_;
    for (const auto& [key, connection] : connections) connection->drain();
    sockets_.drain();
    ended();
  });
  return drained;
}

void EdgeLoop::cut() {
  boost::asio::post(context_, [this] {
    draining_ = true;
    const auto connections = connections_;
    for (const auto& [key, connection] : connections) connection->abort();
    sockets_.cut();
    work_.reset();
  });
}

void EdgeLoop::remove(const HttpConnection& connection) {
  if (connections_.erase(&connection) == 0) return;
  counters_.open.subtract(1);
  ended();
}

void EdgeLoop::ended() {
  if (!draining_ || !connections_.empty() || !sockets_.empty()) return;
  if (std::exchange(told_, true)) return;
  drained_.set_value();
}

const std::string& EdgeLoop::date() {
  const auto now = std::time(nullptr);
  if (now != dateOf_ || date_.empty()) date_ = httpDate(dateOf_ = now);
  return date_;
}

}  // namespace pombo
