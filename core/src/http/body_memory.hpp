// The memory that the bodies of all requests may have together.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include "observe/tide.hpp"

namespace pombo {

// Nobody waits for it: what does not fit now is refused. Not all may take the last of it: a body of
// a few KiB may; a larger one leaves an eighth, and half while nobody knows whose it is. So those
// who hoard large bodies, or have no token, do not keep the others out. Thread-safe.
class BodyMemory {
 public:
  static constexpr std::int64_t kSmall = 16 * 1024;

  // What one body has. Given back when it goes, on any thread, also after all else.
  class Share {
   public:
    Share() = default;
    Share(Share&& other) noexcept { swap(other); }
    Share& operator=(Share&& other) noexcept {
      swap(other);
      return *this;
    }
    ~Share() {
      if (used_) used_->subtract(size_);
    }

    // To so many bytes; false when there is no room for them, and nothing has changed.
    bool grow(std::uint64_t bytes, bool isAdmitted) {
      const auto size = static_cast<std::int64_t>(bytes);
      if (size <= size_) return true;
      const auto most = size <= kSmall ? limit_ : isAdmitted ? limit_ / 8 * 7 : limit_ / 2;
      const auto more = size - size_;
      if (used_->add(more) > most) {
        used_->subtract(more);
        return false;
      }
      size_ = size;
      return true;
    }

   private:
    friend BodyMemory;
    Share(std::shared_ptr<Tide> used, std::int64_t limit) : used_(std::move(used)), limit_(limit) {}
    void swap(Share& other) noexcept {
      std::swap(used_, other.used_);
      std::swap(limit_, other.limit_);
      std::swap(size_, other.size_);
    }

    std::shared_ptr<Tide> used_;
    std::int64_t limit_ = 0, size_ = 0;
  };

  explicit BodyMemory(std::uint64_t limit) : limit_(static_cast<std::int64_t>(limit)) {}

  Share share() const { return {used_, limit_}; }
  std::uint64_t used() const { return static_cast<std::uint64_t>(std::int64_t{*used_}); }
  std::int64_t takeMost() const { return used_->takeMost(); }

 private:
  const std::shared_ptr<Tide> used_ = std::make_shared<Tide>();
  const std::int64_t limit_;
};

}  // namespace pombo
