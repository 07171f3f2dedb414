// What a WebSocket client sends, read byte by byte and held against RFC 6455 and RFC 7692. Data is
// checked and forgotten as it comes: only what has to be answered is kept.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "http/body_memory.hpp"
#include "http/deflate.hpp"
#include "http/socket_frame.hpp"

namespace pombo {

class Utf8Check {
 public:
  // False: it is not UTF-8, whatever follows.
  bool feed(std::uint8_t byte);
  bool isWhole() const { return left_ == 0; }  // not in the middle of a letter

 private:
  std::uint8_t left_ = 0, lowest_ = 0x80, highest_ = 0xbf;  // of the bytes that must follow
};

class FrameReader {
 public:
  static constexpr std::uint64_t kMostFrame = 64 * 1024;  // bytes of payload, inflated as well
  // How many times larger than its frames what a client deflates may be in the long run, and how
  // many bytes are beyond that: small frames may each come to the most.
  static constexpr std::int64_t kMostRatio = 16, kMostSlack = 1 << 20;

  enum class Got {
    nothing,    // all bytes are used, more are needed
    ping,       // payload() is to be sent back
    pong,       //
    close,      // the client's good-bye
    violation,  // of the protocol: 1002
    badText,    // not UTF-8, or not DEFLATE: 1007
    tooLarge,   // 1009
  };

  // `inflating` is what all who inflate may take; null: nothing is deflated. A message for which
  // there is none left is not looked into: nobody wants it.
  explicit FrameReader(const BodyMemory* inflating = nullptr) : inflating_(inflating) {}

  // Takes what it uses from the front of `bytes`. After the last four nothing more may be read.
  Got read(std::string_view& bytes);
  const std::string& payload() const { return control_; }

 private:
  Got takeHead(std::string_view& bytes);
  std::size_t headSize() const;
  Got onHead();
  Got beginMessage();
  Got takePayload(std::string_view& bytes);
  Got onContent(std::string_view bytes);
  Got inflate();
  Got onText(std::string_view text);
  Got onPayload();
  Got onData();
  Got closeOf() const;

  struct Inflating {
    BodyMemory::Share share;
    Inflater inflater;
  };

  bool isControl() const { return (head_[0] & 0x08) != 0; }
  bool isFinal() const { return (head_[0] & 0x80) != 0; }

  std::array<std::uint8_t, 14> head_{};
  std::uint8_t headHas_ = 0;
  bool inPayload_ = false;
  bool inMessage_ = false;                    // its last fragment has not come
  bool isText_ = false, isDeflated_ = false;  // the message
  std::uint8_t maskAt_ = 0;
  std::array<std::uint8_t, 4> mask_{};
  Utf8Check utf8_;
  std::uint64_t left_ = 0;  // of the payload
  std::string control_;

  const BodyMemory* const inflating_;
  std::unique_ptr<Inflating> inflated_;  // of the message
  std::uint64_t room_ = 0;               // bytes that the frame may still be inflated to
  std::int64_t slack_ = kMostSlack;
};

}  // namespace pombo
