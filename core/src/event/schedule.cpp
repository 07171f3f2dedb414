#include "event/schedule.hpp"

#include <algorithm>
#include <cmath>

namespace pombo {
namespace {

constexpr Millis kLongestAsked = Millis{24} * 60 * 60 * 1000;

}  // namespace

std::optional<Millis> nextAttempt(const QueueRules& rules, int attempts, Millis now,
                                  std::optional<Millis> notBefore, Random& random) {
  const auto done = static_cast<std::size_t>(attempts);
  if (done > rules.waits.size()) return std::nullopt;
  const double factor = 0.8 + 0.4 * random.unit();
  const auto wait = static_cast<Millis>(std::llround(rules.waits[done - 1] * factor));
  const Millis asked = std::min(notBefore.value_or(now), now + kLongestAsked);
  return std::max(now + wait, asked);
}

}  // namespace pombo
