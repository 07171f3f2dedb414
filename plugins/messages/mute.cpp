#include "mute.hpp"

#include <algorithm>
#include <cctype>
#include <string_view>

namespace {

constexpr Mute kHours{8 * 3'600, "Chat muted for 8 hours"};
constexpr Mute kWeek{7 * 86'400, "Chat muted for 1 week"};
constexpr Mute kForEver{0, "Chat muted permanently"};

struct Word {
  std::string_view word;
  const Mute& mute;
};
constexpr Word kWords[] = {{"8h", kHours},        {"8 hours", kHours},     {"1w", kWeek},
                           {"7d", kWeek},         {"1 week", kWeek},       {"always", kForEver},
                           {"forever", kForEver}, {"permanent", kForEver}, {"", kForEver}};

}  // namespace

std::optional<Mute> muteFor(const std::string& duration) {
  std::string lower = duration;
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  for (const auto& [word, mute] : kWords)
    if (word == lower) return mute;
  return std::nullopt;
}
