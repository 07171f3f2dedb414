#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

// The memory that files have together which are fetched or read for somebody. Nobody waits for it:
// what does not fit is refused. Thread-safe.
class FileMemory {
 public:
  // What one request has; given back when it goes, on any thread.
  class Share {
   public:
    Share() = default;
    Share(Share&& other) noexcept { swap(other); }
    Share& operator=(Share&& other) noexcept {
      swap(other);
      return *this;
    }
    ~Share() {
      if (used_) *used_ -= bytes_;
    }

    std::uint64_t bytes() const { return bytes_; }
    // False: there is no room, and nothing has changed.
    [[nodiscard]] bool resize(std::uint64_t bytes) {
      if (bytes > bytes_ && used_->fetch_add(bytes - bytes_) + bytes - bytes_ > limit_) {
        *used_ -= bytes - bytes_;
        return false;
      }
      if (bytes < bytes_) *used_ -= bytes_ - bytes;
      bytes_ = bytes;
      return true;
    }

   private:
    friend FileMemory;
    using Used = std::shared_ptr<std::atomic<std::uint64_t>>;
    Share(Used used, std::uint64_t limit) : used_(std::move(used)), limit_(limit) {}
    void swap(Share& other) noexcept {
      std::swap(used_, other.used_);
      std::swap(limit_, other.limit_);
      std::swap(bytes_, other.bytes_);
    }

    Used used_;
    std::uint64_t limit_ = 0, bytes_ = 0;
  };

  explicit FileMemory(std::uint64_t limit) : limit_(limit) {}

  Share share() const { return Share(used_, limit_); }

 private:
  const std::uint64_t limit_;
  // Shared: a late share outlives the block.
  const Share::Used used_ = std::make_shared<std::atomic<std::uint64_t>>(0);
};
