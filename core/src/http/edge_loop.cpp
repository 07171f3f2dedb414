#include "http/edge_loop.hpp"

#include <boost/asio/post.hpp>
#include <exception>
#include <utility>
#include <vector>

#include "http/answer_writer.hpp"
#include "http/http_connection.hpp"

namespace pombo {

EdgeLoop::EdgeLoop(const EdgeOptions& options, IService& service, EdgeCounters& counters)
    : work_(context_.get_executor()), options_(options), service_(service), counters_(counters) {}

EdgeLoop::~EdgeLoop() = default;

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

void EdgeLoop::adopt(boost::asio::ip::tcp::socket socket) {
  boost::asio::post(context_, [this, socket = std::move(socket)]() mutable {
    if (draining_) return;
    auto connection = std::make_shared<HttpConnection>(*this, std::move(socket));
    connections_.emplace(connection.get(), connection);
    counters_.connections.fetch_add(1);
    counters_.open.fetch_add(1);
    connection->start();
  });
}

std::future<void> EdgeLoop::drain() {
  auto drained = drained_.get_future();
  boost::asio::post(context_, [this] {
    draining_ = true;
    // A copy: those that end are removed.
    const auto connections = connections_;
    for (const auto& [key, connection] : connections) connection->drain();
    ended();
  });
  return drained;
}

void EdgeLoop::cut() {
  boost::asio::post(context_, [this] {
    draining_ = true;
    const auto connections = connections_;
    for (const auto& [key, connection] : connections) connection->abort();
    work_.reset();
  });
}

void EdgeLoop::remove(const HttpConnection& connection) {
  if (connections_.erase(&connection) == 0) return;
  counters_.open.fetch_sub(1);
  ended();
}

void EdgeLoop::ended() {
  if (!draining_ || !connections_.empty() || std::exchange(told_, true)) return;
  drained_.set_value();
}

const std::string& EdgeLoop::date() {
  const auto now = std::time(nullptr);
  if (now != dateOf_ || date_.empty()) date_ = httpDate(dateOf_ = now);
  return date_;
}

}  // namespace pombo
