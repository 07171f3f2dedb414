#include "pix_key.hpp"

#include <algorithm>
#include <cctype>
#include <string_view>

namespace {

bool isDigit(char c) { return c >= '0' && c <= '9'; }

std::string without(const std::string& text, std::string_view marks) {
  std::string rest;
  for (const char c : text)
    if (marks.find(c) == marks.npos) rest.push_back(c);
  return rest;
}

bool areDigits(const std::string& text) { return std::all_of(text.begin(), text.end(), isDigit); }

bool isEmail(const std::string& text) {
  const auto at = text.find('@');
  return at != text.npos && at > 0 && at + 1 < text.size() && text.find('@', at + 1) == text.npos &&
         text.size() <= 77 && text.find_first_of(" \t\r\n") == text.npos;
}

// "123e4567-e89b-12d3-a456-426614174000"
bool isUuid(const std::string& text) {
  constexpr std::string_view shape = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
  return text.size() == shape.size() &&
         std::equal(text.begin(), text.end(), shape.begin(), [](char c, char place) {
           return place == '-' ? c == '-' : std::isxdigit(static_cast<unsigned char>(c)) != 0;
         });
}

}  // namespace

std::optional<std::string> pixKeyIn(const std::string& type, const std::string& key) {
  const auto when = [](bool good, std::string text) {
    return good ? std::optional(std::move(text)) : std::nullopt;
  };
  if (type == "CPF" || type == "CNPJ") {
    const std::string digits = without(key, ".-/ ");
    return when(areDigits(digits) && digits.size() == (type == "CPF" ? 11u : 14u), digits);
  }
  if (type == "PHONE") {
    const std::string digits = without(key, "+-() ");
    return when(areDigits(digits) && digits.size() >= 10 && digits.size() <= 15, "+" + digits);
  }
  if (type == "EMAIL") return when(isEmail(key), key);
  return when(type == "RANDOM" && isUuid(key), key);
}
