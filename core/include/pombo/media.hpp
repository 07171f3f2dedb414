// Media: bytes behind a file descriptor, so that nobody has to hold them in memory.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <memory>
#include <string>
#include <system_error>

#include "pombo/error.hpp"

namespace pombo {

// Shares one open file; the last owner closes it. Crosses to another process as a passed
// descriptor. Readers use pread(), so that none moves another's position.
class Descriptor {
 public:
  Descriptor() = default;
  // Takes ownership of `fd`.
  explicit Descriptor(int fd) : fd_(new int(fd), close) {}

  int get() const { return fd_ ? *fd_ : -1; }
  explicit operator bool() const { return get() >= 0; }
  bool operator==(const Descriptor& other) const { return get() == other.get(); }

 private:
  static void close(const int* fd) {
    if (*fd >= 0) ::close(*fd);
    delete fd;
  }
  std::shared_ptr<const int> fd_;
};

struct Media {
  std::string mimeType = {};  // "image/jpeg"
  std::string fileName = {};  // empty when there is none
  std::uint64_t size = 0;
  Descriptor file = {};
  bool operator==(const Media&) const = default;
};

// Bytes that are in memory already, as a file without a name. Throws std::system_error.
inline Media mediaOf(const std::string& mimeType, const std::string& bytes) {
  Descriptor file(::memfd_create("media", MFD_CLOEXEC));
  for (std::size_t at = 0; at < bytes.size();) {
    const auto n = ::write(file.get(), bytes.data() + at, bytes.size() - at);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw std::system_error(errno, std::generic_category(), "media");
    at += static_cast<std::size_t>(n);
  }
  if (!file) throw std::system_error(errno, std::generic_category(), "media");
  return {mimeType, {}, bytes.size(), file};
}

// All of it; throws Error{tooLarge} rather than hold more than `limit` bytes.
inline std::string bytesOf(const Media& media, std::uint64_t limit) {
  if (media.size > limit) throw Error(Code::tooLarge, "Media is too large");
  std::string bytes(media.size, '\0');
  for (std::size_t at = 0; at < bytes.size();) {
    const auto n =
        ::pread(media.file.get(), bytes.data() + at, bytes.size() - at, static_cast<off_t>(at));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) throw Error(Code::unavailable, "Media could not be read");
    at += static_cast<std::size_t>(n);
  }
  return bytes;
}

}  // namespace pombo
