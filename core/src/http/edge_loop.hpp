// One thread of the edge and the connections that live on it. A connection never leaves its
// thread, so nothing in it needs a lock.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <ctime>
#include <future>
#include <memory>
#include <string>
#include <unordered_map>

#include "http/edge.hpp"

namespace pombo {

class HttpConnection;

// Owned by the edge, and by every answer that is still to come: those may outlive it.
class EdgeLoop : public std::enable_shared_from_this<EdgeLoop> {
 public:
  EdgeLoop(const EdgeOptions&, IService&, EdgeCounters&);
  ~EdgeLoop();

  // Runs until cut(). [the loop's thread]
  void run();

  // Any thread.
  void adopt(boost::asio::ip::tcp::socket);  // becomes a connection
  std::future<void> drain();                 // ready when the last connection is gone
  void cut();                                // resets what is left, and ends run()

  // Only on the loop's thread.
  void remove(const HttpConnection&);
  bool draining() const { return draining_; }
  const std::string& date();

  boost::asio::io_context& context() { return context_; }
  const EdgeOptions& options() const { return options_; }
  IService& service() { return service_; }
  EdgeCounters& counters() { return counters_; }

 private:
  void ended();

  boost::asio::io_context context_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  const EdgeOptions& options_;
  IService& service_;
  EdgeCounters& counters_;
  std::unordered_map<const HttpConnection*, std::shared_ptr<HttpConnection>> connections_;
  bool draining_ = false;
  bool told_ = false;  // drained_ is set
  std::promise<void> drained_;
  std::time_t dateOf_ = 0;
  std::string date_;
};

}  // namespace pombo
