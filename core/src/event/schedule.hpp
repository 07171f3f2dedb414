// When the next attempt of a delivery is made, or that there is none.
#pragma once

#include "event/record.hpp"

namespace pombo {

class Random {
 public:
  virtual ~Random() = default;
  virtual double unit() = 0;  // from 0 to 1, 1 excluded
};

// Of what was tried `attempts` times. Nothing: that was the last one. The wait of the schedule is
// multiplied by 0.8 to 1.2; what the endpoint asked for never makes it shorter, and never longer
// than 24 hours.
std::optional<Millis> nextAttempt(const QueueRules&, int attempts, Millis now,
                                  std::optional<Millis> notBefore, Random&);

}  // namespace pombo
