// Where a test ends the process as a power cut would: POMBO_KILL_AT=NAME[:N], the Nth time.
#pragma once

#include <string_view>

namespace pombo {

extern const bool kKillPointsArmed;  // POMBO_KILL_AT is set
void reachedKillPoint(std::string_view name);

inline void killPoint(std::string_view name) {
  if (kKillPointsArmed) reachedKillPoint(name);
}

}  // namespace pombo
