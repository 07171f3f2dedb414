// One of several multi handles of curl's whose sockets the same epoll watches.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>

namespace pombo {

// All on one thread, but for the constructor.
class Multi {
 public:
  using Clock = std::chrono::steady_clock;
  struct End {
    void* handle = nullptr;
    int code = 0;  // a CURLcode
  };

  // Its events carry `index` in the upper half of their data, and the socket in the lower. Of the
  // connections of a burst up to `burst` are kept for a second.
  Multi(int epoll, std::uint32_t index, std::size_t burst)
      : epoll_(epoll), index_(index), burst_(burst) {}
  ~Multi();
  Multi(const Multi&) = delete;
  Multi& operator=(const Multi&) = delete;

  // Throws std::bad_alloc.
  void add(void* handle);
  void remove(void* handle);
  // One that has ended, and is removed.
  std::optional<End> ended();

  void act(int socket, std::uint32_t events);  // EPOLL*
  void actOnTime();
  // When actOnTime() is to be called, or a moment before; far away when there is nothing to do.
  Clock::time_point next() const;

 private:
  void start();
  void allowConnections();
  void watch(int how, int socket, std::uint32_t events) const;
  static int onSocket(void*, int socket, int what, void* self, void* known);
  static int onTimer(void*, long ms, void* self);

  const int epoll_;
  const std::uint32_t index_;
  const std::size_t burst_;
  // The CURLM, from the first transfer until nobody has used it for a while.
  void* multi_ = nullptr;
  std::size_t inside_ = 0;
  std::size_t most_ = 0;  // inside at a time, of late
  Clock::time_point mostAt_;
  std::optional<Clock::time_point> timer_;  // curl's
  Clock::time_point usedAt_;
};

}  // namespace pombo
