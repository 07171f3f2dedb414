#include "http/memory_trim.hpp"

#include <malloc.h>

#include <algorithm>
#include <utility>

namespace pombo {
namespace {

// About what a connection takes, and how much has to be free for it to be worth a look.
constexpr std::int64_t kConnectionBytes = 4 * 1024, kWorthTrimming = 4 << 20;

}  // namespace

void MemoryTrim::look(Edge& edge) {
  const auto held =
      edge.counters().open * kConnectionBytes + static_cast<std::int64_t>(edge.bodyMemoryUsed());
  const auto most = edge.takeMost();
  mostHeld_ = std::max(mostHeld_, most.connections * kConnectionBytes + most.bodyBytes);
  const bool gone = mostHeld_ - held >= kWorthTrimming;
  if (gone) mostHeld_ = held;
  // Once more when the last of them have had time to follow.
  if (std::exchange(going_, gone) || gone) ::malloc_trim(0);
}

}  // namespace pombo
