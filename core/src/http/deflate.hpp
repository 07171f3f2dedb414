// DEFLATE as WebSockets have it (RFC 7692), without context takeover: each message by itself.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

struct z_stream_s;

namespace pombo {

// How far back what we send refers: 2^12 bytes. Events are hardly longer, clients that offer less
// than the most there is offer this, and 32 KiB are enough to make it.
constexpr int kDeflateWindowBits = 12;

// A message's payload; nothing when it would not be smaller than the text.
std::optional<std::string> deflated(std::string_view text);

// One message of a client's, in pieces.
class Inflater {
 public:
  static constexpr std::uint64_t kMemory = 48 * 1024;  // bytes that one takes

  Inflater();
  ~Inflater();
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  // They stay whose they are until take() has come to their end.
  void give(std::string_view bytes);
  // More of the text, in `into`; empty: more has to be given. Nothing: that is no DEFLATE.
  std::optional<std::string_view> take(std::span<char> into);
  // Behind the last piece: what a sender leaves out.
  void giveEnd();
  bool isWhole() const;  // not in the middle of a block

 private:
  const std::unique_ptr<z_stream_s> stream_;
  bool isFull_ = false;  // what was asked for last: there may be more
  bool isBroken_ = false;
};

}  // namespace pombo
