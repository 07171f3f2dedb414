// Keeps the counts of the rate limits over a restart.
#pragma once

#include "instance/limits.hpp"
#include "pombo/observe.hpp"
#include "storage/database.hpp"

namespace pombo {

// One thread at a time.
class LimitStore {
 public:
  LimitStore(Database& database, Limits& limits, IClock& clock)
      : database_(database), limits_(limits), clock_(clock) {}

  void restore();
  void save();  // what has changed since the last time

 private:
  void write(const std::vector<Limits::Saved>&);

  Database& database_;
  Limits& limits_;
  IClock& clock_;
};

}  // namespace pombo
