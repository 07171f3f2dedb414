// How a block is seen from outside, and the only clock it may look at. Nothing here blocks or
// throws.
#pragma once

#include <string>

#include "pombo/instance.hpp"

namespace pombo {

enum class Level { debug, info, warn, error };

class POMBO_API ILogger {
 public:
  virtual ~ILogger() = default;
  // `fields` become structured keys; the block's name is already among them. [any thread]
  virtual void write(Level, const std::string& message, const Json& fields) = 0;
};

// Names match [a-z][a-z0-9_]*. No instance, number or token in a name: there are too many, and
// whoever reads metrics may not know them.
class POMBO_API IMetrics {
 public:
  virtual ~IMetrics() = default;
  virtual void count(const std::string& name, double by) = 0;       // pombo_<block>_<name>_total
  virtual void observe(const std::string& name, double value) = 0;  // pombo_<block>_<name>, a gauge
};

class POMBO_API IClock {
 public:
  virtual ~IClock() = default;
  virtual TimePoint now() const = 0;  // [any thread]
};

}  // namespace pombo
