#include "received_text.hpp"

namespace {

// Bytes of the character that begins the text; 0: none does.
std::size_t lengthOfFirst(std::string_view text) {
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < length) return 0;
  for (std::size_t at = 1; at < length; ++at)
    if ((byte(at) & 0xc0) != 0x80) return 0;
  const bool overlong = (first == 0xe0 && byte(1) < 0xa0) || (first == 0xf0 && byte(1) < 0x90);
  const bool beyond = (first == 0xed && byte(1) >= 0xa0) || (first == 0xf4 && byte(1) >= 0x90);
  return overlong || beyond ? 0 : length;
}

}  // namespace

std::string asText(std::string_view bytes) {
  std::string text;
  while (!bytes.empty()) {
    const auto length = lengthOfFirst(bytes);
    text += length ? bytes.substr(0, length) : "\xef\xbf\xbd";
    bytes.remove_prefix(length ? length : 1);
  }
  return text;
}
