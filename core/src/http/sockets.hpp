// All WebSocket clients: how many there may be, whose they are, and how they ended.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>

#include "http/socket_queue.hpp"
#include "observe/logger.hpp"
#include "observe/metrics.hpp"

namespace pombo {

struct SocketLimits {
  std::size_t clients = 12'288;       // of all instances
  std::uint64_t memory = 256u << 20;  // bytes of all texts that wait for clients
  bool compression = true;            // for those that offer it
};

// Thread-safe.
class Sockets : public std::enable_shared_from_this<Sockets> {
 public:
  Sockets(const SocketLimits& limits, Log& log)
      : limits_(limits),
        memory_(limits.memory / 4 * 3),
        spareMemory_(limits.memory / 4),
        log_(log) {}

  // One client more. Throws Error{unavailable}.
  std::shared_ptr<SocketQueue> open(SocketOwner, bool deflates = false);
  bool compresses() const { return limits_.compression; }
  // Whose instance is gone.
  void close(const InstanceId&);
  // Closes those whose token opens their instance no more. What `mayListen` throws comes out of
  // here, and nobody is closed for it.
  void recheck(const std::function<bool(const SocketOwner&)>& mayListen);
  void collect(Metrics&) const;  // before a scrape
  std::size_t size() const;

  // For the clients' queues.
  const BodyMemory& memory() const { return memory_; }
  // For the texts of those that are not slow, when the other is full.
  const BodyMemory& spareMemory() const { return spareMemory_; }
  // For reading what is deflated.
  const BodyMemory& inflating() const { return inflating_; }
  // `code` is absent of one that never became a WebSocket.
  void ended(const SocketQueue&, std::optional<int> code, std::function<void()> tell);
  void countOpened() { ++opened_; }
  void countSent(std::size_t frames) { sent_ += frames; }
  void tellSlow(const InstanceId&);

 private:
  static constexpr std::uint64_t kInflating = 16 << 20;  // bytes

  using Clients = std::map<const SocketQueue*, std::weak_ptr<SocketQueue>>;

  static void bar(const Clients&);

  const SocketLimits limits_;
  const BodyMemory memory_, spareMemory_, inflating_{kInflating};
  Log& log_;
  std::atomic<std::uint64_t> opened_{0}, sent_{0};

  mutable std::mutex mutex_;  // guards all below
  std::map<SocketOwner, Clients> clients_;
  std::size_t open_ = 0;
  std::uint64_t refused_ = 0;
  std::map<int, std::uint64_t> closed_;  // by code
  std::uint64_t slow_ = 0;               // since that was told
  std::chrono::steady_clock::time_point tellAgain_{};
};

}  // namespace pombo
