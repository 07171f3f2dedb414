// Structured logs: one JSON object a line on standard error.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "observe/line_allowance.hpp"
#include "pombo/observe.hpp"

namespace pombo {

// Thread-safe. A line carries "time", "level", "message", the request it belongs to, and `fields`.
class Log final : public ILogger {
 public:
  // "debug", "info", "warn", "error" or "off"; throws std::runtime_error for anything else.
  // Each block may write `blockLinesPerSecond`, and ten times that at once.
  explicit Log(const std::string& level, int blockLinesPerSecond = 100);
  ~Log() override;

  void write(Level, const std::string& message, const Json& fields) override;
  bool enabled(Level) const;
  // A line as it stands, whatever the level is.
  void writeAlways(const std::string& line);

  // The same log under one block's name: for what core says of it.
  std::unique_ptr<ILogger> of(const std::string& block);
  // For the block itself: more than it may write is dropped, and a line of great length is cut.
  std::unique_ptr<ILogger> limited(const std::string& block);

  // Says how many lines each block has lost since this was last called, and returns it.
  std::map<std::string, std::uint64_t> tellDropped();

 private:
  class Sink;
  class BlockLog;
  std::shared_ptr<Sink> sink_;
  const int blockLinesPerSecond_;
  std::mutex mutex_;  // guards allowances_
  std::map<std::string, std::shared_ptr<LineAllowance>> allowances_;
};

}  // namespace pombo
