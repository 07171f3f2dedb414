// Structured logs: one JSON object a line on standard error.
#pragma once

#include <memory>
#include <string>

#include "pombo/observe.hpp"

namespace pombo {

// Thread-safe. A line carries "time", "level", "message", the request it belongs to, and `fields`.
class Log final : public ILogger {
 public:
  // "debug", "info", "warn", "error" or "off"; throws std::runtime_error for anything else.
  explicit Log(const std::string& level);
  ~Log() override;

  void write(Level, const std::string& message, const Json& fields) override;
  bool enabled(Level) const;

  // The same log under one block's name.
  std::unique_ptr<ILogger> of(const std::string& block);

 private:
  class Sink;
  std::shared_ptr<Sink> sink_;
};

}  // namespace pombo
