#include "http/socket_frame.hpp"

#include <utility>

namespace pombo {
namespace {

constexpr std::uint8_t kFinal = 0x80, kDeflated = 0x40;
constexpr std::size_t kMostControl = 125;

char byteOf(std::uint64_t value, int at) { return static_cast<char>(value >> (8 * at) & 0xff); }

// Returns how many bytes of `head` it takes.
std::size_t writeHead(std::array<char, 10>& head, Opcode opcode, std::uint64_t size) {
  head[0] = static_cast<char>(kFinal | static_cast<std::uint8_t>(opcode));
  if (size <= kMostControl) {
    head[1] = static_cast<char>(size);
    return 2;
  }
  const int bytes = size <= 0xffff ? 2 : 8;
  head[1] = bytes == 2 ? 126 : 127;
  for (int i = 0; i < bytes; ++i)
    head[static_cast<std::size_t>(2 + i)] = byteOf(size, bytes - 1 - i);
  return static_cast<std::size_t>(2 + bytes);
}

void addControl(std::string& bytes, Opcode opcode, std::string_view payload) {
  payload = payload.substr(0, kMostControl);
  std::array<char, 10> head{};
  bytes.append(head.data(), writeHead(head, opcode, payload.size()));
  bytes += payload;
}

std::shared_ptr<const std::string> control(Opcode opcode, std::string_view payload) {
  std::string bytes;
  addControl(bytes, opcode, payload);
  return std::make_shared<const std::string>(std::move(bytes));
}

}  // namespace

std::shared_ptr<const SocketFrame> SocketFrame::ofText(std::shared_ptr<const std::string> text,
                                                       BodyMemory::Share share, bool isDeflated) {
  const std::shared_ptr<SocketFrame> frame(
      new SocketFrame(Kind::text, std::move(text), std::move(share)));
  frame->headSize_ = writeHead(frame->head_, Opcode::text, frame->text_->size());
  if (isDeflated) frame->head_[0] |= static_cast<char>(kDeflated);
  return frame;
}

std::shared_ptr<const SocketFrame> SocketFrame::close(int code, std::string_view reason) {
  std::string payload{byteOf(static_cast<std::uint64_t>(code), 1),
                      byteOf(static_cast<std::uint64_t>(code), 0)};
  payload += reason;
  return std::shared_ptr<const SocketFrame>(
      new SocketFrame(Kind::other, control(Opcode::close, payload)));
}

std::shared_ptr<const SocketFrame> SocketFrame::ping() {
  static const auto bytes = control(Opcode::ping, "");
  return std::shared_ptr<const SocketFrame>(new SocketFrame(Kind::ping, bytes));
}

std::shared_ptr<const SocketFrame> SocketFrame::pongs(std::string bytes) {
  return std::shared_ptr<const SocketFrame>(
      new SocketFrame(Kind::pongs, std::make_shared<const std::string>(std::move(bytes))));
}

void SocketFrame::addPong(std::string& bytes, std::string_view payload) {
  addControl(bytes, Opcode::pong, payload);
}

}  // namespace pombo
