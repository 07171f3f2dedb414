#include "media/spool_file.hpp"

#include <sys/sendfile.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace pombo {
namespace {

constexpr std::array<char, 8> kMark{'p', 'o', 'm', 'b', 'o', 'm', 'd', '1'};
constexpr std::size_t kLongestType = 255, kLongestName = 1024;
constexpr std::uint64_t kPiece = 1 << 20;

// The end of the file: a file that was cut short, or never finished, has none.
struct Footer {
  std::uint64_t size;  // of the medium
  std::uint64_t text;  // of its type and its name, a NUL between them
  std::array<char, 8> mark;
};
static_assert(kSmallestSpoolFile == sizeof(Footer) + 1);

std::string textOf(const Media& media) {
  const std::string type = media.mimeType.substr(0, kLongestType);
  return type.substr(0, type.find('\0')) + '\0' + media.fileName.substr(0, kLongestName);
}

[[noreturn]] void throwErrno() { throw std::system_error(errno, std::generic_category()); }

[[noreturn]] void throwUnreadable() { throw Error(Code::unavailable, "Media could not be read"); }

void copy(int to, const Media& media) {
  // Whatever else a connector may have handed over, reading it might never end.
  struct stat about {};
  if (::fstat(media.file.get(), &about) != 0 || !S_ISREG(about.st_mode)) throwUnreadable();
  off_t at = 0;
  while (static_cast<std::uint64_t>(at) < media.size) {
    const auto left = media.size - static_cast<std::uint64_t>(at);
    const auto n = ::sendfile(to, media.file.get(), &at, std::min(left, kPiece));
    if (n < 0 && errno != EINTR) throwErrno();
    if (n == 0) throwUnreadable();
  }
}

void append(int to, const std::string& bytes) {
  for (std::size_t at = 0; at < bytes.size();) {
    const auto n = ::write(to, bytes.data() + at, bytes.size() - at);
    if (n < 0 && errno != EINTR) throwErrno();
    if (n > 0) at += static_cast<std::size_t>(n);
  }
}

bool readAt(const Descriptor& file, char* into, std::uint64_t count, std::uint64_t at) {
  while (count > 0) {
    const auto n = ::pread(file.get(), into, count, static_cast<off_t>(at));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    into += n;
    at += static_cast<std::uint64_t>(n);
    count -= static_cast<std::uint64_t>(n);
  }
  return true;
}

}  // namespace

std::uint64_t spoolFileSize(const Media& media) {
  return media.size + textOf(media).size() + sizeof(Footer);
}

void writeSpoolFile(const Descriptor& to, const Media& media) {
  const std::string text = textOf(media);
  const Footer footer{media.size, text.size(), kMark};
  std::string end(sizeof footer, '\0');
  std::memcpy(end.data(), &footer, sizeof footer);
  copy(to.get(), media);
  append(to.get(), text + end);
  if (::fdatasync(to.get()) != 0) throwErrno();
}

std::optional<Media> readSpoolFile(const Descriptor& file) {
  struct stat about {};
  if (::fstat(file.get(), &about) != 0 || !S_ISREG(about.st_mode)) return std::nullopt;
  const auto all = static_cast<std::uint64_t>(about.st_size);
  Footer footer{};
  if (all < kSmallestSpoolFile) return std::nullopt;
  const std::uint64_t rest = all - sizeof footer;
  std::array<char, sizeof footer> end{};
  if (!readAt(file, end.data(), end.size(), rest)) return std::nullopt;
  std::memcpy(&footer, end.data(), sizeof footer);
  if (footer.mark != kMark || footer.text > kLongestType + kLongestName + 1 || footer.text > rest ||
      footer.size != rest - footer.text)
    return std::nullopt;
  std::string text(footer.text, '\0');
  if (!readAt(file, text.data(), text.size(), footer.size)) return std::nullopt;
  const auto border = text.find('\0');
  if (border == text.npos) return std::nullopt;
  return Media{text.substr(0, border), text.substr(border + 1), footer.size, file};
}

}  // namespace pombo
