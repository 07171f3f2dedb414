#include "instance/identity.hpp"

#include <botan/system_rng.h>
#include <utf8proc.h>

#include <array>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <sstream>

#include "block/field_table.hpp"
#include "storage/sealer.hpp"

namespace pombo {
namespace {

// However the letters of a name are taken apart: a hundred, each of at most four code points.
constexpr std::size_t kMostCodePoints = 400;
constexpr int kFirstYear = 1970, kLastYear = 2200;  // clocks count nanoseconds until 2262

using Uuid = std::array<std::uint8_t, 16>;

Uuid randomUuid(int version) {
  Uuid bytes;
  Botan::system_rng().randomize(bytes.data(), bytes.size());
  bytes[6] = static_cast<std::uint8_t>((bytes[6] & 0x0f) | (version << 4));
  bytes[8] = static_cast<std::uint8_t>((bytes[8] & 0x3f) | 0x80);
  return bytes;
}

std::string textOf(const Uuid& bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(36);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text.push_back('-');
    text.push_back(kDigits[bytes[i] >> 4]);
    text.push_back(kDigits[bytes[i] & 15]);
  }
  return text;
}

bool isNameLetter(utf8proc_int32_t point) {
  switch (utf8proc_category(point)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_ND:
      return true;
    default:
      return point == '-' || point == '_' || point == '.' || point == ' ';
  }
}

bool isName(const std::string& name) {
  const auto atAnEnd = [](char c) { return c == ' ' || c == '.'; };
  if (name.empty() || atAnEnd(name.front()) || atAnEnd(name.back())) return false;
  const auto* at = reinterpret_cast<const utf8proc_uint8_t*>(name.data());
  auto left = static_cast<utf8proc_ssize_t>(name.size());
  int count = 0;
  while (left > 0) {
    utf8proc_int32_t point = 0;
    const auto width = utf8proc_iterate(at, left, &point);
    if (width <= 0 || !isNameLetter(point) || ++count > 100) return false;
    at += width;
    left -= width;
  }
  return true;
}

}  // namespace

std::string newId() {
  Uuid bytes = randomUuid(7);
  auto time = static_cast<std::uint64_t>(milliseconds(std::chrono::system_clock::now()));
  for (int i = 5; i >= 0; --i, time >>= 8)
    bytes[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(time);
  return textOf(bytes);
}

std::string newInstanceToken() { return textOf(randomUuid(4)); }

std::string newAccountToken() { return "pmb_" + toBase64Url(randomBytes(32)); }

std::optional<std::string> normalized(const std::string& text) {
  // To put marks in order takes time by the square of their number, and strangers send names, too.
  if (codePoints(text) > kMostCodePoints) return std::nullopt;
  utf8proc_uint8_t* made = nullptr;
  const auto size =
      utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                   static_cast<utf8proc_ssize_t>(text.size()), &made,
                   static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
  const std::unique_ptr<utf8proc_uint8_t, void (*)(void*)> owned(made, std::free);
  if (size < 0) return std::nullopt;
  return std::string(reinterpret_cast<char*>(made), static_cast<std::size_t>(size));
}

std::string checkedName(const std::string& name) {
  const auto nfc = normalized(name);
  if (!nfc || !isName(*nfc))
    throw Error(Code::invalid,
                "The 'name' field may only contain letters, digits, spaces and - _ . "
                "(1 to 100 characters)");
  return *nfc;
}

void checkToken(const std::string& token) {
  bool good = token.size() >= 8 && token.size() <= 128;
  for (const char c : token) good = good && c >= 0x21 && c <= 0x7e;
  if (!good)
    throw Error(Code::invalid, "The 'token' field must be 8 to 128 visible ASCII characters");
}

std::int64_t milliseconds(TimePoint time) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
}

TimePoint fromMilliseconds(std::int64_t count) {
  return TimePoint(std::chrono::milliseconds(count));
}

std::string rfc3339(TimePoint time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[32];
  return {text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

std::optional<TimePoint> timeIn(const std::string& text) {
  std::tm parts{};
  const char* const end = ::strptime(text.c_str(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  if (!end || *end != '\0') return std::nullopt;
  const int year = 1900 + parts.tm_year;
  if (year < kFirstYear || year > kLastYear) return std::nullopt;
  const auto time = std::chrono::system_clock::from_time_t(::timegm(&parts));
  return rfc3339(time) == text ? std::optional(time) : std::nullopt;  // the 31st of February
}

std::vector<std::string> namesIn(const std::string& list) {
  std::vector<std::string> names;
  std::istringstream in(list);
  for (std::string name; std::getline(in, name, ',');) {
    const auto first = name.find_first_not_of(' ');
    if (first == name.npos) continue;
    name = name.substr(first, name.find_last_not_of(' ') - first + 1);
    names.push_back(normalized(name).value_or(name));
  }
  return names;
}

}  // namespace pombo
