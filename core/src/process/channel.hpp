// Frames over a stream socket: eight bytes of header (the length of the text, the number of
// descriptors passed beside it; both 32 bits, little endian), and the text.
#pragma once

#include <array>
#include <chrono>
#include <mutex>
#include <optional>

#include "process/frame.hpp"

namespace pombo {

inline constexpr auto kClosed = "closed its end of the pipe";

// The other end is closed, or does not read.
struct Closed : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class Channel {
 public:
  using Deadline = std::chrono::steady_clock::time_point;

  // Takes ownership of `fd`. A frame that cannot be written within `patience` ends the channel;
  // zero: it waits.
  Channel(int fd, std::chrono::seconds patience);
  ~Channel();
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  // Any thread. Throws Error{tooLarge} and leaves the channel as it was; or Closed, and then it is
  // good for nothing.
  void send(const Frame&);
  // Writes nothing rather than wait.
  void trySend(const Frame&) noexcept;

  // One thread at a time. Nothing when no whole frame has come until then; what has is kept. Throws
  // Closed and Malformed.
  std::optional<Frame> receive(Deadline until);

  // Both ways, for good; whoever writes is told, and whoever reads when it has read what is there.
  // Any thread.
  void close() noexcept;

 private:
  using Header = std::array<std::uint32_t, 2>;

  void write(const std::string& text, const Attachments&, int flags);
  bool fill(char* bytes, std::size_t size, std::size_t& have, bool header);
  std::size_t readSome(char* bytes, std::size_t size, bool header);
  bool await(Deadline until) const;
  std::optional<Frame> whole();

  const int fd_;
  std::mutex writing_;  // held for one frame
  // Of the frame that is being read.
  Header header_{};
  std::size_t headerHas_ = 0;
  std::string text_;
  std::size_t textHas_ = 0;
  Attachments passed_;
};

}  // namespace pombo
