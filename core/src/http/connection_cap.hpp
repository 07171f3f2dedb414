// How many connections there may be, of one address and of all together. Knows no socket.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <utility>

namespace pombo {

struct ConnectionLimits {
  std::size_t all = 16'384;
  std::size_t perAddress = 256;  // IPv6: per /64; 0: any number
  // Addresses that many clients share, such as a reverse proxy's: the limit of one is not theirs.
  std::function<bool(const std::string& address)> isShared = nullptr;
};

// Thread-safe.
class ConnectionCap {
  struct Book;
  using Counted = std::pair<const std::string, std::size_t>;

 public:
  using Time = std::chrono::steady_clock::time_point;

  // Of one connection, or of none. Given back when it goes, on any thread, also after the cap.
  class Place {
   public:
    Place() = default;
    Place(Place&&) noexcept = default;
    Place& operator=(Place&& other) noexcept {
      swap(other);
      return *this;
    }
    ~Place();

   private:
    friend ConnectionCap;
    void swap(Place& other) noexcept {
      std::swap(book_, other.book_);
      std::swap(address_, other.address_);
    }

    std::shared_ptr<Book> book_;
    Counted* address_ = nullptr;  // null: not counted by its address
  };

  enum class Verdict { entered, tooManyOfAddress, full };

  explicit ConnectionCap(ConnectionLimits);

  // One more, of `address`, into a place that is nobody's yet. A few are let in beyond `all`: see
  // crowded().
  Verdict enter(const std::string& address, Place&);
  // There are more than `all`: whoever has just come in stays only when another one goes.
  bool crowded() const;
  std::size_t inside() const;

  // Whether the log is to hear of it: once in ten minutes for each `subject`, and of so many
  // subjects only.
  bool mayTell(const std::string& subject, Time now);

 private:
  const ConnectionLimits limits_;
  const std::shared_ptr<Book> book_;
};

}  // namespace pombo
