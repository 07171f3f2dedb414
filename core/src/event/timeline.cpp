#include "event/timeline.hpp"

#include <time.h>

#include <algorithm>
#include <fstream>

namespace pombo {
namespace {

Millis read(clockid_t clock) {
  timespec time{};
  ::clock_gettime(clock, &time);
  return Millis{time.tv_sec} * 1000 + time.tv_nsec / 1'000'000;
}

std::string bootOfMachine() {
  std::string id;
  std::ifstream("/proc/sys/kernel/random/boot_id") >> id;
  return id;
}

}  // namespace

Timeline::Timeline(const Moment& now, const std::optional<TimeAnchor>& last) {
  const bool sameBoot =
      last && !last->boot.empty() && last->boot == now.boot && now.sinceBoot >= last->sinceBoot;
  const Millis time = sameBoot ? last->time + now.sinceBoot - last->sinceBoot
                               : std::max(now.wall, last ? last->time : now.wall);
  offset_ = time - now.sinceBoot;
}

Moment currentMoment() {
  static const std::string boot = bootOfMachine();
  return {read(CLOCK_REALTIME), read(CLOCK_BOOTTIME), boot};
}

}  // namespace pombo
