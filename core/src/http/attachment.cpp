#include "http/attachment.hpp"

#include <algorithm>
#include <regex>
#include <string_view>

namespace pombo {
namespace {

constexpr std::size_t kLongestName = 200, kLongestType = 127;

bool isPlain(char c) { return c >= ' ' && c < 0x7f; }

// Bytes of the character that begins there; zero: it is not UTF-8.
std::size_t characterAt(std::string_view text) {
  const auto first = static_cast<unsigned char>(text.front());
  const std::size_t length = first < 0x80                     ? 1
                             : first >= 0xc2 && first <= 0xdf ? 2
                             : first >= 0xe0 && first <= 0xef ? 3
                             : first >= 0xf0 && first <= 0xf4 ? 4
                                                              : 0;
  if (length == 0 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i)
    if ((static_cast<unsigned char>(text[i]) & 0xc0) != 0x80) return 0;
  return length;
}

// Those that turn the direction of what follows, or are not seen at all: "exe.gpj" is no picture.
bool isHidden(std::string_view character) {
  if (character.size() == 2) return character[0] == '\xc2' && character[1] < '\xa0';  // C1 controls
  if (character.size() != 3) return false;
  static const std::string_view kinds[] = {"\xe2\x80", "\xe2\x81", "\xef\xbb\xbf"};
  const auto last = static_cast<unsigned char>(character[2]);
  if (character.starts_with(kinds[0])) return (last >= 0x8b && last <= 0x8f) || last >= 0xa8;
  if (character.starts_with(kinds[1])) return last >= 0xa0 && last <= 0xaf;
  return character == kinds[2];
}

std::string safeName(std::string_view name) {
  std::string safe;
  while (!name.empty()) {
    const auto length = characterAt(name);
    const auto character = name.substr(0, std::max<std::size_t>(length, 1));
    name.remove_prefix(character.size());
    const bool forbidden =
        length == 1 && std::string_view("\"*/:<>?\\|").find(character) != std::string_view::npos;
    if (forbidden || length == 0)
      safe += '_';
    else if (length > 1 ? !isHidden(character) : isPlain(character.front()))
      safe += character;
    if (safe.size() > kLongestName) {
      safe.resize(safe.size() - character.size());
      break;
    }
  }
  // A dot in front hides a file, dots and blanks at the end are lost on some systems.
  const auto first = safe.find_first_not_of(". "), last = safe.find_last_not_of(". ");
  return first == safe.npos ? "" : safe.substr(first, last - first + 1);
}

std::string escaped(const std::string& text) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool asItIs = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
                        (c >= 'a' && c <= 'z') || c == '-' || c == '.' || c == '_' || c == '~';
    if (asItIs)
      out += c;
    else
      out += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
  }
  return out;
}

}  // namespace

std::string contentTypeOf(const std::string& mimeType) {
  static const std::regex type(
      R"([\w!#$&^.+-]+/[\w!#$&^.+-]+( ?; ?[\w-]+=([\w!#$&^.+-]+|"[\w !#$&^.,:;=+-]*"))*)");
  const bool good = mimeType.size() <= kLongestType && std::regex_match(mimeType, type);
  return good ? mimeType : "application/octet-stream";
}

std::string attachmentNamed(const std::string& fileName) {
  const std::string name = safeName(fileName);
  if (name.empty()) return "attachment";
  std::string plain;
  for (const char c : name)
    if (isPlain(c))
      plain += c == '%' ? '_' : c;
    else if (plain.empty() || plain.back() != '_')
      plain += '_';
  return "attachment; filename=\"" + plain + "\"; filename*=UTF-8''" + escaped(name);
}

}  // namespace pombo
