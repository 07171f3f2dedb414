// The WebSocket clients of one thread of the edge.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "http/edge.hpp"
#include "http/socket_connection.hpp"

namespace pombo {

class EdgeLoop;

// On the loop's thread, but for what noteFor() gives.
class SocketKeeper {
 public:
  explicit SocketKeeper(EdgeLoop&);
  ~SocketKeeper();

  void adopt(boost::asio::ip::tcp::socket, ConnectionCap::Place, std::shared_ptr<SocketQueue>,
             std::string_view early);
  void drain();
  void cut();
  bool empty() const { return all_.empty(); }
  bool draining() const { return draining_; }

  // For the clients.
  // Leaves a note that one has something to send; any thread. The loop is woken once for many.
  std::function<void()> noteFor(std::weak_ptr<SocketConnection>);
  void remove(const SocketConnection&);
  const Heartbeat& heartbeat() const;
  std::chrono::milliseconds writeTimeout() const;
  std::span<char> scratch();

 private:
  void pull();
  void tickLater();
  void tick();
  template <typename Step>
  void guarded(SocketConnection&, const Step&);

  EdgeLoop& loop_;
  std::unordered_map<const SocketConnection*, std::shared_ptr<SocketConnection>> all_;
  bool draining_ = false;
  bool ticking_ = false;
  boost::asio::steady_timer timer_;

  std::mutex mutex_;  // guards notes_
  std::vector<std::weak_ptr<SocketConnection>> notes_;
};

}  // namespace pombo
