#include "rfc3339.hpp"

#include <algorithm>
#include <ctime>
#include <string_view>

namespace {

using std::chrono::milliseconds;
using std::chrono::system_clock;

constexpr auto kFirst = std::chrono::ceil<milliseconds>(system_clock::duration::min());
constexpr auto kLast = std::chrono::floor<milliseconds>(system_clock::duration::max());

// Takes one part after the other off the front of a text; `ok` ends with the first that is not
// there.
struct Parts {
  std::string_view rest;
  bool ok = true;

  bool startsWithDigit() const { return !rest.empty() && rest[0] >= '0' && rest[0] <= '9'; }

  int number(int digits, int most) {
    int value = 0;
    for (; digits > 0; --digits) {
      ok = ok && startsWithDigit();
      if (!ok) return 0;
      value = value * 10 + (rest[0] - '0');
      rest.remove_prefix(1);
    }
    ok = value <= most;
    return value;
  }

  char oneOf(std::string_view marks) {
    ok = ok && !rest.empty() && marks.find(rest[0]) != marks.npos;
    if (!ok) return '\0';
    const char mark = rest[0];
    rest.remove_prefix(1);
    return mark;
  }

  // ".5"; nothing is none at all.
  milliseconds fraction() {
    if (!ok || !rest.starts_with('.')) return {};
    oneOf(".");
    ok = startsWithDigit();
    int value = 0;
    for (int unit = 100; startsWithDigit(); unit /= 10) value += unit * number(1, 9);
    return milliseconds(value);
  }

  // Of the local time; "Z" is none.
  std::chrono::minutes offset() {
    const char sign = oneOf("Zz+-");
    if (sign == 'Z' || sign == 'z') return {};
    const int hours = number(2, 23);
    oneOf(":");
    const std::chrono::minutes away(60 * hours + number(2, 59));
    return sign == '-' ? -away : away;
  }
};

}  // namespace

std::string rfc3339(system_clock::time_point time) {
  const std::time_t when =
      std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
  std::tm utc{};
  ::gmtime_r(&when, &utc);
  char text[32]{};
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
  return text;
}

std::optional<system_clock::time_point> timeIn(const std::string& text) {
  Parts parts{text};
  const std::chrono::year year(parts.number(4, 9999));
  parts.oneOf("-");
  const std::chrono::month month(static_cast<unsigned>(parts.number(2, 12)));
  parts.oneOf("-");
  const std::chrono::day day(static_cast<unsigned>(parts.number(2, 31)));
  parts.oneOf("Tt");
  const std::chrono::hours hours(parts.number(2, 23));
  parts.oneOf(":");
  const std::chrono::minutes minutes(parts.number(2, 59));
  parts.oneOf(":");
  const std::chrono::seconds seconds(parts.number(2, 60));
  const milliseconds fraction = parts.fraction();
  const std::chrono::minutes offset = parts.offset();
  const std::chrono::year_month_day date(year, month, day);
  if (!parts.ok || !parts.rest.empty() || !date.ok()) return std::nullopt;
  const milliseconds time = std::chrono::sys_days(date).time_since_epoch() + hours + minutes +
                            seconds + fraction - offset;
  // There are more years than the clock has.
  return system_clock::time_point(std::clamp(time, kFirst, kLast));
}
