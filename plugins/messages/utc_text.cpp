#include "utc_text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <ctime>

using namespace std::chrono;

namespace {

// A digit wherever the pattern has a 0, and elsewhere the same.
bool fits(std::string_view text, std::string_view pattern) {
  return text.size() == pattern.size() &&
         std::equal(text.begin(), text.end(), pattern.begin(), [](char c, char wanted) {
           return wanted == '0' ? c >= '0' && c <= '9' : c == wanted;
         });
}

int numberAt(std::string_view text, std::size_t at, std::size_t length) {
  int number = 0;
  std::from_chars(text.data() + at, text.data() + at + length, number);
  return number;
}

// "Z", "+02:00"
std::optional<minutes> zoneIn(std::string_view text) {
  if (text == "Z" || text == "z") return minutes(0);
  const bool west = text.starts_with('-');
  if (!west && !text.starts_with('+')) return std::nullopt;
  if (!fits(text.substr(1), "00:00")) return std::nullopt;
  const int hour = numberAt(text, 1, 2), minute = numberAt(text, 4, 2);
  if (hour > 23 || minute > 59) return std::nullopt;
  const minutes ahead = hours(hour) + minutes(minute);
  return west ? -ahead : ahead;
}

// ".123Z" is "Z"; a point without digits stays.
std::string_view withoutFraction(std::string_view rest) {
  if (!rest.starts_with('.')) return rest;
  const auto end = std::min(rest.find_first_not_of("0123456789", 1), rest.size());
  return end > 1 ? rest.substr(end) : rest;
}

}  // namespace

std::string utcText(system_clock::time_point time) { return utcText(floor<seconds>(time)); }

std::int64_t microseconds(system_clock::time_point time) {
  return floor<std::chrono::microseconds>(time.time_since_epoch()).count();
}

std::string utcText(sys_seconds time) {
  const std::time_t counted = time.time_since_epoch().count();
  std::tm parts{};
  ::gmtime_r(&counted, &parts);
  std::array<char, 64> text{};
  const int size = std::snprintf(text.data(), text.size(), "%04d-%02d-%02dT%02d:%02d:%02dZ",
                                 parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday,
                                 parts.tm_hour, parts.tm_min, parts.tm_sec);
  return {text.data(), static_cast<std::size_t>(size)};
}

std::optional<sys_seconds> timeIn(std::string_view text) {
  constexpr std::string_view kDay = "0000-00-00", kTime = "00:00:00";
  constexpr auto kZone = kDay.size() + 1 + kTime.size();
  if (text.size() <= kZone || !fits(text.substr(0, kDay.size()), kDay) ||
      std::string_view("Tt ").find(text[kDay.size()]) == std::string_view::npos ||
      !fits(text.substr(kDay.size() + 1, kTime.size()), kTime))
    return std::nullopt;
  const year_month_day day{year(numberAt(text, 0, 4)),
                           month(static_cast<unsigned>(numberAt(text, 5, 2))),
                           std::chrono::day(static_cast<unsigned>(numberAt(text, 8, 2)))};
  const int hour = numberAt(text, 11, 2), minute = numberAt(text, 14, 2),
            second = numberAt(text, 17, 2);
  const auto zone = zoneIn(withoutFraction(text.substr(kZone)));
  if (!day.ok() || day.year() < year(1) || hour > 23 || minute > 59 || second > 59 || !zone)
    return std::nullopt;
  const sys_seconds time = sys_days(day) + hours(hour) + minutes(minute) + seconds(second) - *zone;
  const year utc = year_month_day(floor<days>(time)).year();
  return utc < year(1) || utc > year(9999) ? std::nullopt : std::optional(time);
}
