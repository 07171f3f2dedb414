// How many bytes of bodies may be in memory at once.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>

#include "pombo/instance.hpp"

namespace pombo {

// Thread-safe. Small bodies are counted and never wait. Of the others, those of one instance take a
// quarter of the whole at most, so that a slow receiver of large ones does not hold up everybody's,
// unless it is one by itself; one that is larger than the whole goes when there is no other.
// Instances take turns.
class ByteBudget {
 public:
  static constexpr std::uint64_t kSmall = 64 << 10;

  // Of one body, for as long as it is there. The budget outlives it.
  class Share {
   public:
    Share(ByteBudget& budget, const InstanceId& whose, std::uint64_t bytes)
        : budget_(budget), whose_(whose), bytes_(bytes), isLarge_(bytes > kSmall) {}
    ~Share() { budget_.give(*this); }
    Share(const Share&) = delete;
    Share& operator=(const Share&) = delete;

    // It is known now how many they are: nobody waits for that.
    void resize(std::uint64_t bytes) { budget_.resize(*this, bytes); }

   private:
    friend class ByteBudget;
    ByteBudget& budget_;
    const InstanceId whose_;
    std::uint64_t bytes_;
    bool isLarge_;
  };
  // Null: it was closed.
  using Go = std::function<void(std::shared_ptr<Share>)>;

  explicit ByteBudget(std::uint64_t most) : most_(most) {}

  // Calls when there is room: at once, or later on the thread of whoever makes it. `go` is quick.
  void take(const InstanceId& whose, std::uint64_t bytes, Go go);
  // Holds the caller until then.
  std::shared_ptr<Share> await(const InstanceId& whose, std::uint64_t bytes);
  void close();

 private:
  struct Large {
    int count = 0;
    std::uint64_t bytes = 0;
  };
  struct Waiting {
    std::uint64_t bytes;
    Go go;
  };
  using Turn = std::list<InstanceId>::iterator;

  void give(const Share&);
  void resize(Share&, std::uint64_t bytes);
  void letGo();  // those who wait, as far as there is room
  Turn afterOneOf(Turn);
  bool fits(const InstanceId&, std::uint64_t bytes) const;
  bool isBeyondIts(const InstanceId&, std::uint64_t bytes) const;
  std::shared_ptr<Share> shareOf(const InstanceId&, std::uint64_t bytes);
  void addLarge(const InstanceId&, std::uint64_t bytes);

  const std::uint64_t most_;
  std::mutex mutex_;         // guards all below
  std::uint64_t taken_ = 0;  // by all
  int largeCount_ = 0;
  std::map<InstanceId, Large> large_;
  std::map<InstanceId, std::deque<Waiting>> waiting_;
  std::list<InstanceId> turns_;  // of those who wait
  bool closed_ = false;
};

}  // namespace pombo
