// The public port: sockets, framing, limits, time-outs. Knows no route and no token.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "http/connection_cap.hpp"
#include "http/exchange.hpp"
#include "observe/metrics.hpp"
#include "observe/tide.hpp"
#include "pombo/observe.hpp"

namespace pombo {

// Of WebSockets.
struct Heartbeat {
  std::chrono::milliseconds pingEvery{25'000};
  std::chrono::milliseconds patience{60'000};  // without a PONG; then the client is cut off
};

struct EdgeOptions {
  std::string listen = "[::]:8080";  // "HOST:PORT"; "[::]" takes IPv4 too; port 0: any
  int threads = 2;
  std::chrono::milliseconds headTimeout{30'000};   // from the first byte of a head to its last
  std::chrono::milliseconds idleTimeout{75'000};   // between requests of one connection
  std::chrono::milliseconds writeTimeout{60'000};  // without the peer taking a byte
  std::size_t headLimit = 16 * 1024;               // request line and headers, bytes
  std::size_t headerCount = 100;
  Heartbeat heartbeat = {};
  ConnectionLimits connections = {};
  std::size_t prepared = 0;              // how many of them memory is taken for at the start
  std::uint64_t bodyMemory = 256 << 20;  // bytes of all bodies that are received or in use
  ILogger* log = nullptr;                // hears of those who hoard connections
  // Names each request, on any of the edge's threads; without one they are numbered.
  std::function<std::string()> newId = nullptr;
};

// Counters that only grow, but for `open`. Read from any thread.
struct EdgeCounters {
  std::atomic<std::uint64_t> connections{0}, requests{0}, malformed{0}, timeouts{0};
  std::atomic<std::uint64_t> faults{0};  // exceptions; each has ended a connection
  std::atomic<std::uint64_t> refusedByAddress{0}, refusedWhenFull{0};  // connections
  std::atomic<std::uint64_t> evicted{0};         // idle or half a request, for one that is new
  std::atomic<std::uint64_t> bodiesRefused{0};   // no memory for them
  std::atomic<std::uint64_t> acceptFailures{0};  // out of descriptors, most likely
  Tide open;
};

class Edge {
 public:
  // Binds and listens, serves nothing yet. Throws std::runtime_error naming the address and why.
  Edge(const EdgeOptions&, IService&);
  ~Edge();  // stop(0 s) when it was not called

  void start();                // threads
  std::uint16_t port() const;  // the one that was bound
  const EdgeCounters& counters() const;
  std::uint64_t bodyMemoryUsed() const;  // bytes
  void collect(Metrics&) const;          // before a scrape

  // Takes no more connections; idle ones are closed, the others after their answer. Returns when
  // all are gone or `grace` is over, whichever is first; then the rest is cut.
  void stop(std::chrono::milliseconds grace);

  // The most there was at once since this was last asked, however short that was.
  struct Most {
    std::int64_t connections = 0, bodyBytes = 0;
  };
  Most takeMost();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace pombo
