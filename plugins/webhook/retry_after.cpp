#include "retry_after.hpp"

#include <algorithm>
#include <charconv>
#include <ctime>

namespace {

using std::chrono::system_clock;
using TimePoint = system_clock::time_point;

constexpr std::chrono::hours kLongest{24};

std::optional<TimePoint> afterSeconds(const std::string& text, TimePoint now) {
  if (text.empty() || text.find_first_not_of("0123456789") != text.npos) return std::nullopt;
  std::int64_t seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  const std::chrono::seconds longest = kLongest;
  if (error != std::errc() || seconds > longest.count()) return now + longest;
  return now + std::chrono::seconds(seconds);
}

// A year of two digits is the nearest one.
int yearOf(int lastDigits, TimePoint now) {
  const std::time_t seconds = system_clock::to_time_t(now);
  std::tm today{};
  ::gmtime_r(&seconds, &today);
  const int year = today.tm_year - today.tm_year % 100 + lastDigits;
  if (year > today.tm_year + 50) return year - 100;
  return year <= today.tm_year - 50 ? year + 100 : year;
}

std::optional<TimePoint> dateIn(const std::string& text, TimePoint now) {
  constexpr auto kTwoDigits = "%a, %d-%b-%y %H:%M:%S GMT";
  for (const auto* form : {"%a, %d %b %Y %H:%M:%S GMT", kTwoDigits, "%a %b %d %H:%M:%S %Y"}) {
    std::tm date{};
    const char* const end = ::strptime(text.c_str(), form, &date);
    if (!end || *end != '\0') continue;
    if (form == kTwoDigits) date.tm_year = yearOf(date.tm_year % 100, now);
    // Beyond the clock's own years there are dates, too.
    const std::time_t today = system_clock::to_time_t(now);
    const std::chrono::seconds longest = kLongest;
    return system_clock::from_time_t(
        std::clamp<std::time_t>(::timegm(&date), today, today + longest.count() + 1));
  }
  return std::nullopt;
}

}  // namespace

std::optional<TimePoint> retryAt(const std::string& retryAfter, TimePoint now) {
  auto at = afterSeconds(retryAfter, now);
  if (!at) at = dateIn(retryAfter, now);
  if (!at || *at <= now) return std::nullopt;
  return std::min(*at, now + kLongest);
}
