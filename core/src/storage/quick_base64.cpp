#include "storage/quick_base64.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace pombo {
namespace {

constexpr std::string_view kDigits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::array<std::uint8_t, 256> digitValues() {
  std::array<std::uint8_t, 256> values;
  values.fill(64);
  for (std::uint8_t i = 0; i < 64; ++i) values[static_cast<std::uint8_t>(kDigits[i])] = i;
  return values;
}

}  // namespace

std::string quickBase64(std::string_view bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const auto count = std::min<std::size_t>(3, bytes.size() - at);
    std::uint32_t group = 0;
    for (std::size_t i = 0; i < 3; ++i)
      group = group << 8 | (i < count ? static_cast<std::uint8_t>(bytes[at + i]) : 0u);
    for (unsigned i = 0; i < 4; ++i)
      text.push_back(i <= count ? kDigits[group >> (18 - 6 * i) & 63] : '=');
  }
  return text;
}

std::optional<std::string> fromQuickBase64(std::string_view text) {
  static const auto kValues = digitValues();
  if (text.empty() || text.size() % 4 != 0) return std::nullopt;
  const std::size_t missing = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  const auto digits = text.size() - missing;
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3);
  std::uint32_t group = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto value = at < digits ? kValues[static_cast<std::uint8_t>(text[at])] : 0;
    if (value == 64) return std::nullopt;
    group = group << 6 | value;
    if (at % 4 != 3) continue;
    for (const int shift : {16, 8, 0}) bytes.push_back(static_cast<char>(group >> shift & 0xff));
    group = 0;
  }
  for (std::size_t i = 0; i < missing; ++i, bytes.pop_back())
    if (bytes.back() != '\0') return std::nullopt;
  return bytes;
}

}  // namespace pombo
