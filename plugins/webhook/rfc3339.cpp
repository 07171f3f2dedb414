#include "rfc3339.hpp"

#include <ctime>
#include <regex>

namespace {

using std::chrono::system_clock;
constexpr std::size_t kLongest = 40;  // a regular expression is no match for a megabyte

}  // namespace

std::string rfc3339(system_clock::time_point time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
  const std::time_t when = seconds;
  std::tm utc{};
  ::gmtime_r(&when, &utc);
  char text[32]{};
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
  return text;
}

std::optional<system_clock::time_point> timeIn(const std::string& text) {
  static const std::regex form(
      R"((\d{4})-(\d\d)-(\d\d)[Tt]([01]\d|2[0-3]):([0-5]\d):([0-5]\d|60)(\.\d+)?)"
      R"((?:[Zz]|([+-])([01]\d|2[0-3]):([0-5]\d)))");
  std::smatch part;
  if (text.size() > kLongest || !std::regex_match(text, part, form)) return std::nullopt;
  const auto number = [&](int at) { return part[at].matched ? std::stoi(part[at]) : 0; };
  const std::chrono::year_month_day day(std::chrono::year(number(1)),
                                        std::chrono::month(static_cast<unsigned>(number(2))),
                                        std::chrono::day(static_cast<unsigned>(number(3))));
  if (!day.ok()) return std::nullopt;
  auto offset = std::chrono::minutes(60 * number(9) + number(10));
  if (part[8] == "-") offset = -offset;
  const double fraction = part[7].matched ? std::stod("0" + part[7].str()) : 0;
  return std::chrono::sys_days(day) + std::chrono::hours(number(4)) +
         std::chrono::minutes(number(5)) + std::chrono::seconds(number(6)) - offset +
         std::chrono::milliseconds(static_cast<int>(fraction * 1000));
}
