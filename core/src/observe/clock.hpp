// Time, so that tests can say what it is.
#pragma once

#include <cstdint>

#include "pombo/observe.hpp"

namespace pombo {

class SystemClock final : public IClock {
 public:
  TimePoint now() const override { return std::chrono::system_clock::now(); }
};

// Milliseconds that never go back: for limits and budgets.
inline std::int64_t monotonicMilliseconds() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

}  // namespace pombo
