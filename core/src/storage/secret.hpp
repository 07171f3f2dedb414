// Bytes that must not outlive their use.
#pragma once

#include <string.h>

#include <string>
#include <utility>

namespace pombo {

// All that the text has room for: what was moved away or cut short leaves its bytes behind.
inline void wipe(std::string& text) noexcept {
  text.resize(text.capacity());
  ::explicit_bzero(text.data(), text.size());
  text.clear();
}

// In a time that says nothing of where two texts differ.
inline bool sameSecret(const std::string& one, const std::string& other) noexcept {
  if (one.size() != other.size()) return false;
  unsigned char difference = 0;
  for (std::size_t i = 0; i < one.size(); ++i)
    difference = static_cast<unsigned char>(difference | (one[i] ^ other[i]));
  return difference == 0;
}

// Wiped when it goes, and when it is overwritten. Cannot be copied by accident, nor printed.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string bytes) : bytes_(std::move(bytes)) { settle(bytes); }
  Secret(Secret&& other) noexcept { *this = std::move(other); }
  Secret& operator=(Secret&& other) noexcept {
    wipe(bytes_);
    bytes_ = std::move(other.bytes_);
    wipe(other.bytes_);  // a short string leaves a copy behind when it is moved
    return *this;
  }
  ~Secret() { wipe(bytes_); }

  Secret copy() const { return Secret(std::string(bytes_)); }
  const std::string& reveal() const { return bytes_; }
  bool empty() const { return bytes_.empty(); }

 private:
  static void settle(std::string& moved) { wipe(moved); }
  std::string bytes_;
};

}  // namespace pombo
