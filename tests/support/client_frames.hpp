// WebSocket frames as a client sends them: masked.
#pragma once

#include <cstdint>
#include <string>

namespace pombo {

// `first` is the first byte: the flags and the opcode.
inline std::string clientFrame(std::uint8_t first, const std::string& payload) {
  constexpr std::string::value_type kMask[] = {'m', 'a', 's', 'k'};
  std::string frame(1, static_cast<char>(first));
  const auto size = payload.size();
  const int bytes = size < 126 ? 0 : size < 65536 ? 2 : 8;
  frame += static_cast<char>(0x80 | (bytes == 0 ? size : bytes == 2 ? 126 : 127));
  for (int i = bytes; i-- > 0;) frame += static_cast<char>(size >> (8 * i));
  frame.append(kMask, 4);
  for (std::size_t i = 0; i < size; ++i) frame += static_cast<char>(payload[i] ^ kMask[i % 4]);
  return frame;
}

}  // namespace pombo
