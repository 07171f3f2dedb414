// WebSocket frames that go out (RFC 6455), each made once for all of its clients.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "http/body_memory.hpp"

namespace pombo {

enum class Opcode : std::uint8_t {
  continuation = 0,
  text = 1,
  binary = 2,
  close = 8,
  ping = 9,
  pong = 10
};

// Constant once made, so that threads may share it.
class SocketFrame {
 public:
  enum class Kind {
    text,   // counted in its client's queue
    ping,   // one at a time
    pongs,  // until the client takes what it has asked for, it is not read
    other,
  };

  // The text stays whose it is; `share` is what the queues of all clients may hold, and has room
  // for it by now. When it is deflated, clients are told so.
  static std::shared_ptr<const SocketFrame> ofText(std::shared_ptr<const std::string> text,
                                                   BodyMemory::Share share = {},
                                                   bool isDeflated = false);
  static std::shared_ptr<const SocketFrame> close(int code, std::string_view reason);
  static std::shared_ptr<const SocketFrame> ping();
  // Answers, made by addPong() one behind the other.
  static std::shared_ptr<const SocketFrame> pongs(std::string bytes);
  static void addPong(std::string& bytes, std::string_view payload);

  Kind kind() const { return kind_; }
  const std::shared_ptr<const std::string>& text() const { return text_; }
  std::string_view head() const { return {head_.data(), headSize_}; }
  std::string_view body() const { return *text_; }
  std::size_t size() const { return headSize_ + text_->size(); }

 private:
  SocketFrame(Kind kind, std::shared_ptr<const std::string> text, BodyMemory::Share share = {})
      : kind_(kind), text_(std::move(text)), share_(std::move(share)) {}

  const Kind kind_;
  std::array<char, 10> head_{};
  std::size_t headSize_ = 0;
  const std::shared_ptr<const std::string> text_;
  const BodyMemory::Share share_;
};

}  // namespace pombo
