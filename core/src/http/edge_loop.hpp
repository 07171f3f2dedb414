// One thread of the edge and the connections that live on it. A connection never leaves its
// thread, so nothing in it needs a lock.
#pragma once

#include <array>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <ctime>
#include <future>
#include <list>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>

#include "http/body_memory.hpp"
#include "http/connection_cap.hpp"
#include "http/edge.hpp"
#include "http/socket_keeper.hpp"

namespace pombo {

class HttpConnection;

void closeWithReset(boost::asio::ip::tcp::socket);

// Owned by the edge, and by every answer that is still to come: those may outlive it.
class EdgeLoop : public std::enable_shared_from_this<EdgeLoop> {
 public:
  EdgeLoop(const EdgeOptions&, IService&, EdgeCounters&, ConnectionCap&, const BodyMemory&);
  ~EdgeLoop();

  // Takes what so many connections need for good. Before run().
  void prepare(std::size_t connections);

  // Runs until cut(). [the loop's thread]
  void run();

  // Any thread.
  // Becomes a connection; where there is no place, the one that has waited longest makes it.
  void adopt(boost::asio::ip::tcp::socket, std::string peer, ConnectionCap::Place);
  std::future<void> drain();  // ready when the last connection is gone
  void cut();                 // resets what is left, and ends run()

  // Only on the loop's thread.
  using Queued = std::list<HttpConnection*>;  // one, or none while it waits here
  void remove(const HttpConnection&);
  // Whether it waits for its client to finish a request: since it came, or its last answer.
  void startsWaiting(Queued&);
  void stopsWaiting(Queued&, Queued::iterator);
  void ended();  // a connection, or a WebSocket
  bool draining() const { return draining_; }
  const std::string& date();
  // What a read goes to before it is known who has to keep it.
  std::span<char> scratch() { return scratch_; }

  boost::asio::io_context& context() { return context_; }
  const EdgeOptions& options() const { return options_; }
  IService& service() { return service_; }
  SocketKeeper& sockets() { return sockets_; }
  EdgeCounters& counters() { return counters_; }
  BodyMemory::Share bodyShare() const { return bodyMemory_.share(); }

 private:
  void take(boost::asio::ip::tcp::socket, std::string peer, ConnectionCap::Place);
  bool makeRoom();

  boost::asio::io_context context_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  const EdgeOptions& options_;
  IService& service_;
  EdgeCounters& counters_;
  ConnectionCap& cap_;
  const BodyMemory bodyMemory_;  // the edge's
  std::unordered_map<const HttpConnection*, std::shared_ptr<HttpConnection>> connections_;
  SocketKeeper sockets_{*this};
  Queued waiting_;  // the one that has waited longest first
  std::array<char, 64 * 1024> scratch_;
  bool draining_ = false;
  bool told_ = false;  // drained_ is set
  std::promise<void> drained_;
  std::time_t dateOf_ = 0;
  std::string date_;
};

}  // namespace pombo
