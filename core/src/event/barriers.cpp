#include "event/barriers.hpp"

#include <utility>

namespace pombo {

void Barriers::begun(const Write* write) {
  if (!write) {
    if (known_) return;
    // There is nothing to write.
    for (auto& each : std::exchange(waiting_, {})) each.then();
    return;
  }
  underWay_ = true;
  if (known_) return;
  known_ = true;
  std::erase_if(waiting_, [this](Waiting& each) {
    if (--each.writes > 0) return false;
    inWrite_.push_back(std::move(each.then));
    return true;
  });
}

void Barriers::committed() {
  underWay_ = known_ = false;
  for (auto& each : std::exchange(inWrite_, {})) each();
}

}  // namespace pombo
