#include "process/wire.hpp"

namespace pombo {
namespace {

constexpr auto kEnd = std::string_view::npos;

std::size_t wordIn(std::string_view rest) {
  return rest.starts_with("Infinity") ? 8 : rest.starts_with("NaN") ? 3 : 0;
}

std::string withoutWords(std::string_view text) {
  std::string numbers;
  bool quoted = false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (const auto word = quoted ? 0 : wordIn(text.substr(at))) {
      numbers += "1e400";
      at += word - 1;
      continue;
    }
    if (text[at] == '"') quoted = !quoted;
    if (text[at] == '\\') numbers += text[at++];
    numbers += text[at];
  }
  return numbers;
}

}  // namespace

// A number beyond all measure is read as an infinity, which Boost.JSON writes as a word that it
// does not read: outside of strings it becomes such a number again.
std::string written(const Json& body) {
  std::string text = boost::json::serialize(body);
  const bool isRead = text.find("Infinity") == kEnd && text.find("NaN") == kEnd;
  return isRead ? text : withoutWords(text);
}

}  // namespace pombo
