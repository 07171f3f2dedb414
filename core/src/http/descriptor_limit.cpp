#include "http/descriptor_limit.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <limits>

namespace pombo {

std::size_t raiseDescriptorLimit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;
  const rlimit raised{limit.rlim_max, limit.rlim_max};
  // "Unlimited" is refused by kernels that have a limit all the same.
  if (::setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;
  constexpr auto kMost = static_cast<rlim_t>(std::numeric_limits<int>::max());
  return static_cast<std::size_t>(std::min(limit.rlim_cur, kMost));
}

std::size_t connectionsWithin(std::size_t limit, std::size_t own, std::size_t wanted) {
  return std::min(wanted, limit - std::min(own, limit / 2));
}

}  // namespace pombo
