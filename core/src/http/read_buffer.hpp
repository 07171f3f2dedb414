// Bytes that came and were not used yet. Costs nothing while there are none, and not much more than
// them otherwise. Wiped when it is freed: tokens and secrets have gone through it.
#pragma once

#include <string.h>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <memory>
#include <string_view>
#include <utility>

namespace pombo {

class ReadBuffer {
 public:
  ReadBuffer() = default;
  ReadBuffer(ReadBuffer&& other) noexcept { swap(other); }
  ReadBuffer& operator=(ReadBuffer&& other) noexcept {
    ReadBuffer(std::move(other)).swap(*this);
    return *this;
  }
  ~ReadBuffer() {
    if (bytes_) ::explicit_bzero(bytes_.get(), capacity_);
  }

  bool empty() const { return data_.empty(); }
  std::string_view data() const { return data_; }

  // More of them. They stay the caller's, who calls keep() before they change: what is used at
  // once, as most is, is never copied.
  void lend(std::string_view bytes) {
    if (!empty()) return add(bytes);
    data_ = bytes;
    lent_ = true;
  }
  void keep() {
    if (lent_ && !empty()) add({});
  }

  void consume(std::size_t n) { data_.remove_prefix(n); }
  void releaseIfEmpty() {
    if (empty()) *this = ReadBuffer();
  }

 private:
  static constexpr std::size_t kLeast = 256;

  void swap(ReadBuffer& other) noexcept {
    std::swap(bytes_, other.bytes_);
    std::swap(capacity_, other.capacity_);
    std::swap(data_, other.data_);
    std::swap(lent_, other.lent_);
  }

  // data() and then `more`, in memory of our own.
  void add(std::string_view more) {
    const auto size = data_.size() + more.size();
    if (lent_ || data_.data() + size > bytes_.get() + capacity_) {
      ReadBuffer next;
      next.capacity_ = std::max(std::bit_ceil(size), kLeast);
      next.bytes_ = std::make_unique_for_overwrite<char[]>(next.capacity_);
      data_.copy(next.bytes_.get(), data_.size());
      next.data_ = {next.bytes_.get(), data_.size()};
      swap(next);
    }
    more.copy(bytes_.get() + (data_.data() - bytes_.get()) + data_.size(), more.size());
    data_ = {data_.data(), size};
  }

  std::unique_ptr<char[]> bytes_;
  std::size_t capacity_ = 0;
  std::string_view data_;  // in bytes_, unless it is lent
  bool lent_ = false;
};

}  // namespace pombo
