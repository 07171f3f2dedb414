// Bytes that came and were not used yet. Costs nothing while there are none. Wiped when it is
// freed: tokens and secrets have gone through it.
#pragma once

#include <string.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

namespace pombo {

class ReadBuffer {
 public:
  ReadBuffer() = default;
  ReadBuffer(ReadBuffer&& other) noexcept { *this = std::move(other); }
  ReadBuffer& operator=(ReadBuffer&& other) noexcept {
    wipe();
    bytes_ = std::move(other.bytes_);
    capacity_ = std::exchange(other.capacity_, 0);
    begin_ = std::exchange(other.begin_, 0);
    end_ = std::exchange(other.end_, 0);
    return *this;
  }
  ~ReadBuffer() { wipe(); }

  bool empty() const { return begin_ == end_; }
  std::string_view data() const { return {bytes_.get() + begin_, end_ - begin_}; }

  // Room behind data() for the next read: `wanted` bytes, or what there is if that is not much
  // less, so that many small reads do not each move what they add to.
  std::span<char> prepare(std::size_t wanted) {
    if (capacity_ - end_ < (wanted + 3) / 4) move(end_ - begin_ + wanted);
    return {bytes_.get() + end_, std::min(wanted, capacity_ - end_)};
  }
  void commit(std::size_t n) { end_ += n; }
  void consume(std::size_t n) { begin_ += n; }
  void releaseIfEmpty() {
    if (empty()) *this = ReadBuffer();
  }

 private:
  void wipe() noexcept {
    if (bytes_) ::explicit_bzero(bytes_.get(), capacity_);
  }
  void move(std::size_t capacity) {
    ReadBuffer next;
    next.bytes_ = std::make_unique_for_overwrite<char[]>(capacity);
    next.capacity_ = capacity;
    next.end_ = end_ - begin_;
    if (next.end_ > 0) std::memcpy(next.bytes_.get(), bytes_.get() + begin_, next.end_);
    *this = std::move(next);
  }

  std::unique_ptr<char[]> bytes_;
  std::size_t capacity_ = 0, begin_ = 0, end_ = 0;
};

}  // namespace pombo
