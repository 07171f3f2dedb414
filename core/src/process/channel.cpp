#include "process/channel.hpp"

#include <endian.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "process/protocol.hpp"

namespace pombo {
namespace {

// A length is only a promise: memory follows what really comes.
constexpr std::size_t kStep = 256u << 10;

union Passed {
  cmsghdr header;
  char bytes[CMSG_SPACE(sizeof(int) * kMostDescriptors)];
};

void attach(msghdr& message, Passed& passed, const Attachments& files) {
  if (files.empty()) return;
  std::memset(&passed, 0, sizeof passed);
  message.msg_control = passed.bytes;
  message.msg_controllen = CMSG_SPACE(sizeof(int) * files.size());
  auto* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int) * files.size());
  auto* at = CMSG_DATA(header);
  for (const auto& file : files) {
    const int fd = file.get();
    std::memcpy(at, &fd, sizeof fd);
    at += sizeof fd;
  }
}

void detach(msghdr& message, Attachments& into) {
  for (auto* header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    const auto* at = CMSG_DATA(header);
    for (std::size_t left = header->cmsg_len - CMSG_LEN(0); left >= sizeof(int);
         left -= sizeof(int), at += sizeof(int)) {
      int fd = -1;
      std::memcpy(&fd, at, sizeof fd);
      into.emplace_back(fd);
    }
  }
}

const char* whyNotWritten(int error) {
  if (error == EAGAIN) return "does not read what it is sent";
  const bool closed = error == EPIPE || error == ECONNRESET;
  return closed ? kClosed : "cannot be written to";  // the kernel has no memory, for one
}

}  // namespace

Channel::Channel(int fd, std::chrono::seconds patience) : fd_(fd) {
  const timeval time{patience.count(), 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time);
}

Channel::~Channel() { ::close(fd_); }

void Channel::close() noexcept { ::shutdown(fd_, SHUT_RDWR); }

void Channel::send(const Frame& frame) {
  const std::string text = textOf(frame);
  if (text.size() > kLongestFrame)
    throw Error(Code::tooLarge, "More than " + std::to_string(kLongestFrame >> 20) +
                                    " MiB do not pass to or from a block's process");
  if (frame.packed.attached.size() > kMostDescriptors)
    throw Error(Code::tooLarge, "Too many files at once for a block's process");
  const std::lock_guard lock(writing_);
  write(text, frame.packed.attached, 0);
}

void Channel::trySend(const Frame& frame) noexcept {
  const std::unique_lock lock(writing_, std::try_to_lock);
  if (!lock) return;  // another frame is on its way, which says as much
  try {
    write(textOf(frame), {}, MSG_DONTWAIT);
  } catch (const std::exception&) {
    return;  // whoever reads finds the end of the pipe
  }
}

void Channel::write(const std::string& text, const Attachments& attached, int flags) {
  Header header{htole32(static_cast<std::uint32_t>(text.size())),
                htole32(static_cast<std::uint32_t>(attached.size()))};
  for (std::size_t done = 0; done < sizeof header + text.size();) {
    iovec parts[2];
    const std::size_t skip = std::min(done, sizeof header);
    parts[0] = {reinterpret_cast<char*>(header.data()) + skip, sizeof header - skip};
    const std::size_t at = done - skip;
    parts[1] = {const_cast<char*>(text.data()) + at, text.size() - at};
    msghdr message{};
    message.msg_iov = parts;
    message.msg_iovlen = 2;
    Passed passed;
    if (done == 0) attach(message, passed, attached);
    const auto wrote = ::sendmsg(fd_, &message, MSG_NOSIGNAL | flags);
    // Kept: `throw` allocates before it looks at its operand.
    const int error = wrote < 0 ? errno : 0;
    if (error == EINTR) continue;
    if (error == EAGAIN && flags && done == 0) return;
    if (error) throw Closed(whyNotWritten(error));
    done += static_cast<std::size_t>(wrote);
  }
}

std::optional<Frame> Channel::receive(Deadline until) {
  for (;;) {
    if (auto frame = whole()) return frame;
    if (!await(until)) return std::nullopt;
  }
}

// Reads what is there, without waiting.
std::optional<Frame> Channel::whole() {
  if (!fill(reinterpret_cast<char*>(header_.data()), sizeof header_, headerHas_, true))
    return std::nullopt;
  const std::size_t size = le32toh(header_[0]), files = le32toh(header_[1]);
  if (size > kLongestFrame || files > kMostDescriptors)
    throw Malformed("a header of " + std::to_string(size) + " bytes and " + std::to_string(files) +
                    " descriptors");
  while (textHas_ < size) {
    text_.resize(std::min(size, textHas_ + kStep));
    if (!fill(text_.data(), text_.size(), textHas_, false)) return std::nullopt;
  }
  // Fewer came when this process may open no more: what needs them fails, and nothing else.
  if (passed_.size() > files) throw Malformed("descriptors that no header speaks of");
  auto frame = frameOf(text_, std::exchange(passed_, {}));
  frame.packed.attached.resize(files);
  headerHas_ = textHas_ = 0;
  if (text_.capacity() > kStep) text_.shrink_to_fit();
  text_.clear();
  return frame;
}

bool Channel::fill(char* bytes, std::size_t size, std::size_t& have, bool header) {
  while (have < size) {
    const auto got = readSome(bytes + have, size - have, header);
    if (got == 0) return false;
    have += got;
  }
  return true;
}

// Descriptors come with the header; elsewhere nobody asks for them, and the kernel closes them.
std::size_t Channel::readSome(char* bytes, std::size_t size, bool header) {
  iovec part{bytes, size};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  Passed passed;
  if (header) {
    message.msg_control = passed.bytes;
    message.msg_controllen = sizeof passed.bytes;
  }
  ssize_t got;
  do got = ::recvmsg(fd_, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  while (got < 0 && errno == EINTR);
  if (got < 0 && errno == EAGAIN) return 0;
  if (got <= 0) throw Closed(kClosed);
  if (header) detach(message, passed_);
  return static_cast<std::size_t>(got);
}

bool Channel::await(Deadline until) const {
  using namespace std::chrono;
  for (;;) {
    const auto left = until - steady_clock::now();
    if (left <= nanoseconds::zero()) return false;
    const auto most = duration_cast<nanoseconds>(hours(1));
    const auto wait = std::min<nanoseconds>(left, most).count();
    const timespec time{wait / 1'000'000'000, wait % 1'000'000'000};
    pollfd waiting{fd_, POLLIN, 0};
    const int ready = ::ppoll(&waiting, 1, &time, nullptr);
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) throw Closed("its pipe cannot be waited for");
  }
}

}  // namespace pombo
