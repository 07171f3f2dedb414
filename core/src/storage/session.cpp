#include "storage/session.hpp"

namespace pombo {

const std::string& Row::text(std::size_t at) const {
  static const std::string none;
  const auto* text = std::get_if<std::string>(&cells_.at(at));
  return text ? *text : none;
}

std::string Row::take(std::size_t at) {
  auto* const text = std::get_if<std::string>(&cells_.at(at));
  return text ? std::move(*text) : std::string();
}

std::int64_t Row::number(std::size_t at) const {
  const auto* number = std::get_if<std::int64_t>(&cells_.at(at));
  return number ? *number : 0;
}

bool isText(const std::string& text) {
  for (std::size_t at = 0; at < text.size();) {
    const auto lead = static_cast<unsigned char>(text[at]);
    if (lead == 0) return false;
    const std::size_t size = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (lead >= 0x80 && (lead < 0xc2 || lead > 0xf4)) return false;
    if (at + size > text.size()) return false;
    for (std::size_t i = 1; i < size; ++i)
      if ((static_cast<unsigned char>(text[at + i]) & 0xc0) != 0x80) return false;
    // Longer than they need be, halves of UTF-16 pairs, and beyond the last letter.
    const unsigned char second = size > 1 ? static_cast<unsigned char>(text[at + 1]) : 0;
    if ((lead == 0xe0 && second < 0xa0) || (lead == 0xed && second > 0x9f) ||
        (lead == 0xf0 && second < 0x90) || (lead == 0xf4 && second > 0x8f))
      return false;
    at += size;
  }
  return true;
}

std::string spelled(std::string sql, const std::string& mark, const std::string& words) {
  for (auto at = sql.find(mark); at != sql.npos; at = sql.find(mark, at + words.size()))
    sql.replace(at, mark.size(), words);
  return sql;
}

}  // namespace pombo
